// @ts-check
import { contours } from "./contours.js";
import { currents } from "./currents.js";
import { dunes } from "./dunes.js";
import { fields } from "./fields.js";
import { herbaria } from "./herbaria.js";
import { pulses } from "./pulses.js";
import { quarters } from "./quarters.js";
import { stains } from "./stains.js";
import { tides } from "./tides.js";
import { weaves } from "./weaves.js";

/**
 * A way to compose: its formats (width / height), whether dark papers suit it, and texts for its titles.
 * @typedef {{name: string, draw: import("../artwork.js").Draw, describes: string, ratios: number[], dark: boolean,
 *   titles: import("../titles.js").Grammar}} Family
 */

const [TALL, SQUARE, WIDE, BROAD] = [0.8, 1, 1.25, 1.5];

/** @type {Family[]} */
export const families = [
  {
    name: "Current",
    draw: currents,
    describes: "Ribbons that follow a current",
    ratios: [TALL, TALL, SQUARE, WIDE],
    dark: true,
    titles: [
      ["North", "West", "Slow", "Warm", "Night", "Upper"],
      ["wind", "current", "drift", "stream"],
      ["over reeds", "in June", "and eddies", "after rain", "round an island", ""],
    ],
  },
  {
    name: "Dunes",
    draw: dunes,
    describes: "Ridges behind ridges under a low sun",
    ratios: [TALL, SQUARE, WIDE, BROAD],
    dark: true,
    titles: [
      ["Seven", "Far", "Blue", "Quiet", "Last", "Nine"],
      ["hills", "dunes", "ridges", "valleys"],
      ["before dawn", "at noon", "towards evening", "in haze", "from memory", "seen twice"],
    ],
  },
  {
    name: "Tide",
    draw: tides,
    describes: "The sun over water, and its light on the waves",
    ratios: [TALL, TALL, SQUARE],
    dark: true,
    titles: [
      ["Low", "Late", "Winter", "Early", "Harbour", "August"],
      ["sun", "light", "evening", "tide"],
      ["over the bay", "on still water", "without wind", "facing west", "before the ferry", ""],
    ],
  },
  {
    name: "Stains",
    draw: stains,
    describes: "Drops of watercolour that ran into each other",
    ratios: [TALL, SQUARE, SQUARE],
    dark: false,
    titles: [
      ["Study of", "Notes on", "Rehearsal for", "Seven"],
      ["raindrops", "ripe plums", "small planets", "lanterns", "pebbles"],
      ["", "after lunch", "in October", "on wet paper"],
    ],
  },
  {
    name: "Weave",
    draw: weaves,
    describes: "Threads that turn and cross on a grid",
    ratios: [TALL, SQUARE, WIDE],
    dark: true,
    titles: [
      ["Loose", "Patient", "Tangled", "Garden", "Double", "Borrowed"],
      ["weave", "knots", "paths", "thread"],
      ["without an end", "for a wall", "in four turns", "and a way out", ""],
    ],
  },
  {
    name: "Contours",
    draw: contours,
    describes: "The height lines of a land that nobody surveyed",
    ratios: [TALL, SQUARE, WIDE, BROAD],
    dark: true,
    titles: [
      ["Survey of", "Map of", "Walk across", "First sight of"],
      ["the island", "the moor", "a sea floor", "two summits", "the cape"],
      ["", "in autumn", "at low tide"],
    ],
  },
  {
    name: "Field",
    draw: fields,
    describes: "Fields of colour with soft edges",
    ratios: [TALL, TALL, SQUARE],
    dark: true,
    titles: [
      ["Room", "Doorway", "Interior", "Afternoon", "Silence"],
      ["with", "beside", "without"],
      ["a curtain", "a lamp", "the sea", "an open window", "a mirror"],
    ],
  },
  {
    name: "Pulse",
    draw: pulses,
    describes: "Lines that something under them lifts",
    ratios: [TALL, TALL, SQUARE],
    dark: true,
    titles: [
      ["Signal", "Heartbeat", "Echo", "Tremor", "Broadcast"],
      ["from", "under", "beyond"],
      ["the ice", "the east", "the house", "a sleeping hill", "far off", "the pier"],
    ],
  },
  {
    name: "Quarters",
    draw: quarters,
    describes: "Quarters of circles on a grid",
    ratios: [TALL, SQUARE, WIDE],
    dark: false,
    titles: [
      ["Market", "Kiosk", "Rooftops", "Balconies", "Orchard", "Playground"],
      ["by", "near", "above"],
      ["the square", "the station", "the old town", "the harbour", "the courtyard"],
    ],
  },
  {
    name: "Herbarium",
    draw: herbaria,
    describes: "Stems with leaves, pressed onto paper",
    ratios: [TALL, TALL, SQUARE, WIDE],
    dark: false,
    titles: [
      ["Pressed", "Nameless", "Wayside", "Tall", "Found"],
      ["stems", "leaves", "grasses", "branches"],
      ["from the ditch", "in a letter", "collected in May", "between pages", "for a friend", ""],
    ],
  },
];
