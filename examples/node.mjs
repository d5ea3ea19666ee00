// Node 22 or later, or Bun, with the package in node_modules: adds, trains, and writes the weights to a file.
import { writeFile } from "node:fs/promises";
import { add, loadAdder, train } from "@x/tiny-adder";

console.log(`42 + 7 = ${add(42, 7)}`);

const { checkpoint, report } = await train({ recipe: "fast", seed: 1 });
console.log(`${100 * report.exactMatch}% added correctly, trained on ${report.threads} thread`);
console.log(`95 + 7 = ${loadAdder(checkpoint).add(95, 7)}`);

// the options `out` and `resume` need Deno's files; here the bytes of the checkpoint are yours to write
await writeFile("adder.safetensors", checkpoint);
