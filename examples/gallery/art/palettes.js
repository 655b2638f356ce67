// @ts-check
/**
 * A paper, an ink that can be read on it, and five colours that go with both.
 * @typedef {{name: string, paper: string, ink: string, hues: string[], dark?: boolean}} Palette
 */

/** @type {(name: string, paper: string, ink: string, hues: string, dark?: boolean) => Palette} */
const palette = (name, paper, ink, hues, dark = false) => ({ name, paper, ink, hues: hues.split(" "), dark });

/** @type {Palette[]} */
export const palettes = [
  palette("ochre and slate", "#efe6d5", "#2b2d33", "#d39b3a #3f5b73 #c4573a #8fa39a #e8c98f"),
  palette("indigo and rose", "#f2e8e1", "#1f2540", "#2f3e75 #c8798a #e6b3a5 #7a86b0 #efcfb8"),
  palette("moss and clay", "#ebe7da", "#26302a", "#5c7355 #b5653f #8ea27b #d9a86c #324a3f"),
  palette("amber and deep blue", "#14202b", "#e9e1cf", "#e2a84b #33566b #7fa3a8 #c9583e #24445a", true),
  palette("coral and salt", "#eef0ea", "#22303a", "#e26d5a #f0a58f #4d7c8a #a9c5c4 #f2cf9f"),
  palette("plum and brass", "#231a2a", "#eadfce", "#b98a3c #7a476f #a5647f #d8b98a #47325a", true),
  palette("glacier blue", "#e6edee", "#1d2b36", "#2c5d7c #6fa0b8 #a8c8d2 #3f7f95 #e59a6b"),
  palette("terracotta", "#f3e5d3", "#3a2018", "#b8492c #d97b4a #e9b380 #6b2f22 #87907a"),
  palette("sea green and saffron", "#f0efe6", "#17343a", "#1f6a6d #4fa095 #a6cfbd #e7c66b #d9694f"),
  palette("ash and vermilion", "#e9e7e3", "#1c1c1e", "#d8442b #55565a #8b8c8f #b9b8b4 #2c2d31"),
  palette("late summer", "#f6ead0", "#2d3047", "#e0a030 #db6b3c #419d90 #2d3047 #93b7a0"),
  palette("ink and rice paper", "#f4f0e6", "#20242c", "#20242c #4a5260 #8a909a #c0bfb8 #a93f2f"),
  palette("violet dusk", "#2a2540", "#f2e4d7", "#f0a07a #c9657b #7a5a95 #564d88 #f6cf9f", true),
  palette("olive", "#eeead7", "#2a2c1d", "#7d7f35 #b3a545 #4f5628 #d4b95f #a2563a"),
  palette("pine and snow", "#f1f2ee", "#16302b", "#1e4d44 #56796b #9db5a5 #c9d2c4 #d4784f"),
];
