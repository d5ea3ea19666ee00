// What our command line asks of `parseArgs`: has to hold for the stand-in and for the real @std/cli alike.
import { assertEquals } from "@std/assert";
import { parseArgs, type ParseOptions } from "@std/cli";

type Case = readonly [name: string, args: string[], options: ParseOptions, expected: Record<string, unknown>];

const CASES: readonly Case[] = [
  ["a value in the next argument", ["--seed", "3", "x"], { string: ["seed"] }, { _: ["x"], seed: "3" }],
  ["a value after =", ["--seed=3"], { string: ["seed"] }, { _: [], seed: "3" }],
  ["a value that holds =", ["--out=a=b"], { string: ["out"] }, { _: [], out: "a=b" }],
  ["no value at the end", ["--seed"], { string: ["seed"] }, { _: [], seed: "" }],
  ["no value before a flag", ["--seed", "--json"], { string: ["seed"], boolean: ["json"] }, {
    _: [],
    seed: "",
    json: true,
  }],
  ["an empty value", ["--seed", "", "x"], { string: ["seed", "_"] }, { _: ["", "x"], seed: "" }],
  ["numbers, unless the flag is a string", ["--n", "3", "4"], {}, { _: [4], n: 3 }],
  ["operands that stay strings", ["1e3", "0x10", "007"], { string: ["_"] }, { _: ["1e3", "0x10", "007"] }],
  ["a switch", ["--json", "x"], { boolean: ["json"] }, { _: ["x"], json: true }],
  ["a switch that is off", [], { boolean: ["json"] }, { _: [], json: false }],
  ["a switch with a word for its value", ["--json", "false"], { boolean: ["json"] }, { _: [], json: false }],
  ["a switch with a value after =", ["--json=false"], { boolean: ["json"] }, { _: [], json: false }],
  ["a switch turned off", ["--no-proof"], { boolean: ["proof"], negatable: ["proof"] }, { _: [], proof: false }],
  ["the last value of a repeated flag", ["--a", "1", "--a", "2"], { string: ["a"] }, { _: [], a: "2" }],
  ["all values of a collected flag", ["--a", "1", "--a=2"], { string: ["a"], collect: ["a"] }, {
    _: [],
    a: ["1", "2"],
  }],
  ["no values of a collected flag", [], { string: ["a"], boolean: ["b"], collect: ["a", "b"] }, {
    _: [],
    a: [],
    b: [],
  }],
  ["a collected switch", ["--b", "--b"], { boolean: ["b"], collect: ["b"] }, { _: [], b: [true, true] }],
  [
    "a collected switch turned off",
    ["--no-b"],
    { boolean: ["b"], collect: ["b"], negatable: ["b"] },
    { _: [], b: false },
  ],
  ["another name", ["-h"], { boolean: ["help"], alias: { help: "h" } }, { _: [], help: true, h: true }],
  ["another name with a value", ["-n", "5"], { string: ["name"], alias: { name: "n" } }, { _: [], name: "5", n: "5" }],
  ["defaults", ["--a", "1"], { string: ["a", "b"], default: { a: "8", b: "9" } }, { _: [], a: "1", b: "9" }],
  ["operands after --", ["1", "--", "--a", "2"], { string: ["_"] }, { _: ["1", "--a", "2"] }],
  ["operands after -- on their own", ["1", "--", "-2"], { string: ["_"], "--": true }, { _: ["1"], "--": ["-2"] }],
  ["a lone hyphen", ["-"], {}, { _: ["-"] }],
];

for (const [name, args, options, expected] of CASES) {
  Deno.test(`parseArgs() reads ${name}`, () => {
    assertEquals({ ...parseArgs(args, options) }, expected);
  });
}

Deno.test("parseArgs() tells what no option covers, and leaves out what it is told to", () => {
  const seen: unknown[] = [];
  const parsed = parseArgs(["x", "--sede", "3", "--json", "-q", "--no-json", "y"], {
    string: ["seed", "_"],
    boolean: ["json"],
    unknown(arg, key, value) {
      seen.push([arg, key, value]);
      return arg === "x";
    },
  });
  assertEquals(seen, [
    ["x", undefined, undefined],
    ["--sede", "sede", "3"],
    ["-q", "q", true],
    ["--no-json", "no-json", "y"],
  ]);
  assertEquals({ ...parsed }, { _: ["x"], json: true });
});
