// Issue a token for a recorder from a Node service: a JWS with EdDSA, by node:crypto alone.
//
//     node examples/tokens/issue.mjs KEYS/k1.private.json u42 [MINUTES] [ORIGIN]
//
// The private key is a JWK with a `kid`, as examples/tokens/issue.py makes it.

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export function token(jwk, claims) {
  const { kty, crv, x, d, kid } = jwk;
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" });
  const text = `${encoded({ alg: "EdDSA", typ: "JWT", kid })}.${encoded(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

const [file, user, minutes = "60", origin] = process.argv.slice(2);
const exp = Math.floor(Date.now() / 1000 + 60 * Number(minutes));
console.log(token(JSON.parse(readFileSync(file, "utf8")), { sub: user, exp, ...(origin && { origin }) }));
