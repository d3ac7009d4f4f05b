// Tokens by the library `jose`. Each line of the input is an order in JSON; the answer is a line of the output. It ends with
// its input. The argument is a path in the folder where the library is looked for.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { SignJWT, importJWK } = createRequire(process.argv[2])("jose");

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { key, header, claims } = JSON.parse(line);
    const signed = new SignJWT(claims).setProtectedHeader(header);
    answer = { done: await signed.sign(await importJWK(key, header.alg)) };
  } catch (error) {
    answer = { failed: String(error) };
  }
  console.log(JSON.stringify(answer));
}
