/** The short form of `deno task test:load`. */
import { assert } from "@std/assert";
import { additions, engines, type LoadReport } from "./load.ts";

/** Megabytes by which the garbage that is not collected yet may differ. */
const NOISE = 200;

const LOADS: Readonly<Record<string, () => Promise<LoadReport>>> = {
  "a million additions": () => additions(1_000_000),
  "1,000 engines": () => engines(1000, 1), // each has a memory of 16 MiB, 1 of which is touched
  "100 engines of two threads": () => engines(100, 2),
};

for (const [name, run] of Object.entries(LOADS)) {
  Deno.test(`${name} leave neither memory nor threads behind`, async () => {
    const { early, late, threads } = await run();
    assert(late < early + NOISE, `${early} MB became ${late}`);
    // what V8 and tokio start for themselves is a handful
    if (threads !== null) assert(threads[1] < threads[0] + 20, `${threads[0]} threads became ${threads[1]}`);
  });
}
