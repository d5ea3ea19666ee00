/** Least privilege: each command runs with exactly the permissions that its help names, and with none of them less. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import { goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

interface Use {
  /** The arguments; FOLDER stands for a folder of its own. */
  args: readonly string[];
  /** What Deno must allow: `read` and `write`, with the paths. */
  needs: Readonly<Record<string, readonly string[]>>;
  /** The exit code. */
  code: number;
}

const W0 = goldenCheckpoint("w0"); // it cannot add
const CERTIFICATE = fromFileUrl(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url));

const USES: readonly Use[] = [
  { args: ["42", "7"], needs: {}, code: 0 },
  { args: ["add", "42", "7", "--json"], needs: {}, code: 0 },
  { args: ["add", "42", "7", "--from", W0], needs: { read: [W0] }, code: 1 },
  {
    args: ["train", "--steps", "5", "--no-certify", "--threads", "2", "--keep", "log", "--out", "FOLDER/run"],
    needs: { read: ["FOLDER/run"], write: ["FOLDER/run"] },
    code: 0,
  },
  {
    args: ["continue", "--from", W0, "--steps", "5", "--no-certify", "--out", "FOLDER/run"],
    needs: { read: [W0, "FOLDER/run"], write: ["FOLDER/run"] },
    code: 0,
  },
  { args: ["eval", "--random", "10"], needs: {}, code: 0 },
  { args: ["eval", "--cases", "FOLDER/cases.csv", "--from", W0], needs: { read: ["FOLDER/cases.csv", W0] }, code: 1 },
  { args: ["verify"], needs: {}, code: 0 },
  {
    args: ["inspect", "--cases", "FOLDER/cases.csv", "--out", "FOLDER/seen.safetensors", "--overwrite"],
    needs: { read: ["FOLDER/cases.csv"], write: ["FOLDER/seen.safetensors"] },
    code: 0,
  },
  { args: ["certify", "--from", W0, "--out", "FOLDER/proof.json"], needs: { read: [W0] }, code: 1 },
  // other weights than the certificate's: refused before anything is replayed
  { args: ["check", "--certificate", CERTIFICATE, "--from", W0], needs: { read: [CERTIFICATE, W0] }, code: 1 },
  {
    args: [
      "sweep",
      "--seeds",
      "0",
      "--recipe",
      "FOLDER/recipe.json",
      "--pairs",
      "10",
      "--hard",
      "0",
      "--out",
      "FOLDER/s.jsonl",
    ],
    needs: { read: ["FOLDER/s.jsonl", "FOLDER/recipe.json"], write: ["FOLDER/s.jsonl"] },
    code: 0,
  },
];

const RECIPE = {
  ...{ name: "tiny", description: "one step", maxAttempts: 1, evaluation: { every: 0, problems: 1 } },
  stages: [{
    ...{ name: "only", steps: 1, batch: 4, learningRate: 0.01, warmupSteps: 0, floor: 1, weightDecay: 0 },
    ...{
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      clipNorm: 1,
      curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 2 }],
    },
  }],
};

function flags(needs: Use["needs"], folder: string): string[] {
  return Object.entries(needs).map(([kind, paths]) =>
    `--allow-${kind}=${paths.map((path) => path.replace("FOLDER", folder)).join(",")}`
  );
}

/** The same without one of the paths. */
function* withOneLess(needs: Use["needs"]): Generator<Use["needs"]> {
  for (const [kind, paths] of Object.entries(needs)) {
    for (const path of paths) {
      const { [kind]: _, ...others } = needs;
      const left = paths.filter((other) => other !== path);
      yield left.length === 0 ? others : { ...others, [kind]: left };
    }
  }
}

for (const { args, needs, code } of USES) {
  const title = args.map((arg) => arg.includes("/golden/") || arg === CERTIFICATE ? arg.replace(/.*\//, "") : arg).join(
    " ",
  );
  Deno.test(`tiny-adder ${title} needs what its help says, all of it and nothing else`, async () => {
    await using folder = await temporaryFolder();
    await Deno.writeTextFile(join(folder.path, "cases.csv"), "a,b\n1,2\n");
    await Deno.writeTextFile(join(folder.path, "recipe.json"), JSON.stringify(RECIPE));
    const run = (allowed: Use["needs"]) =>
      tinyAdder(args.map((arg) => arg.replace("FOLDER", folder.path)), flags(allowed, folder.path));
    for (const less of withOneLess(needs)) {
      const { code: refused, stdout, stderr } = await run(less);
      assertEquals([refused, stdout], [2, ""], `${JSON.stringify(less)}: ${stderr}`);
      assertMatch(stderr, /--allow-(?:read|write)/);
    }
    const { code: found, stderr } = await run(needs);
    assertEquals(found, code, stderr);

    const command = /^\d/.test(args[0]) ? "add" : args[0];
    const { stdout: help } = await tinyAdder([command, "--help"]);
    const permissions = /^Permissions: (.+)$/m.exec(help)?.[1] ?? "";
    for (const kind of Object.keys(needs)) assertStringIncludes(permissions, `--allow-${kind}=`);
  });
}

Deno.test("a run in a folder that is there needs to read and write it, and nothing beside it", async () => {
  await using folder = await temporaryFolder();
  const run = join(folder.path, "run");
  const allow = [`--allow-read=${run}`, `--allow-write=${run}`];
  const train = (...more: string[]) => tinyAdder(["train", "--no-certify", "--out", run, ...more], allow);
  assertEquals((await train("--steps", "5")).code, 0);
  assertEquals((await train("--steps", "9", "--resume")).code, 0);
  const { code, stdout } = await tinyAdder(["sweep", "summarize", join(run, "none.jsonl")], allow);
  assertEquals([code, stdout], [2, ""]);
});

Deno.test("importing everything needs no permission", async () => {
  const entries = Object.values(config.exports).map((path) => new URL(`../../${path}`, import.meta.url).href);
  const source = `${entries.map((entry) => `await import("${entry}");`).join("\n")} console.log("done");`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `data:application/typescript,${encodeURIComponent(source)}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "done\n", new TextDecoder().decode(stderr));
});

Deno.test("every command has a task with its permissions", () => {
  const commands = Object.values(config.tasks).map(({ command }) => command);
  for (const name of new Set(USES.map(({ args }) => args[0]).filter((first) => !/^\d/.test(first)))) {
    assert(commands.some((command) => / cli\.ts (\S+)/.exec(command)?.[1] === name), name);
  }
});

Deno.test("no task allows everything", () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    assert(!/(?:^|\s)(?:-A|--allow-all)(?:\s|$)/.test(command), `${name}: ${command}`);
  }
});
