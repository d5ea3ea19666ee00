import { assertEquals, assertMatch } from "@std/assert";
import { nextCommand } from "../../src/cli/certify.ts";
import { commandLine, mendingCommand, provingCommand } from "../../src/cli/next_command.ts";
import { nextLines } from "../../src/cli/train.ts";
import type { TrainReport } from "../../src/training/types.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

/** What follows the program's name and `run`. */
function rest(command: string): string {
  return command.replace(/^(npx -y )?deno\S* run /, "");
}

const refuted = { model: 763, seed: 4, exactMatch: 0.999, hardened: false } as const;

Deno.test("commandLine() quotes what a shell would split, and allows only the files of the command", () => {
  const line = commandLine(["42", 7, "--from", "my run"], { read: ["my run", "a,b"] });
  assertMatch(line, /^(npx -y deno@[\d.]+|deno) run '--allow-read=my run,a,,b' \S*cli\.ts 42 7 --from 'my run'$/);
});

Deno.test("mendingCommand() trains on from a model that has learned to add", () => {
  assertEquals(
    rest(mendingCommand({ ...refuted, file: "run/model.safetensors" })),
    "--allow-read=run/model.safetensors,run/proved --allow-write=run/proved cli.ts continue --from run/model.safetensors " +
      "--recipe sure --harden --out run/proved",
  );
  for (const [file, out] of [["w.safetensors", "proved"], ["run", "run/proved"], ["/x/", "/x/proved"]]) {
    assertEquals(mendingCommand({ ...refuted, file }).split(" ").at(-1), out);
  }
});

Deno.test("mendingCommand() trains other weights where training on did not help, or cannot", () => {
  const train = (model: Parameters<typeof mendingCommand>[0]) => mendingCommand(model).replace(/.* cli\.ts /, "");
  const file = "run/model.safetensors";
  assertEquals(train(refuted), "train --recipe sure --seed 4 --out run");
  assertEquals(train({ ...refuted, file, hardened: true }), "train --recipe sure --seed 5 --out run/seed-5");
  assertEquals(train({ ...refuted, file, exactMatch: 0.5 }), "train --recipe sure --seed 5 --out run/seed-5");
  assertEquals(
    train({ ...refuted, model: 777, seed: 2 ** 32 - 1, hardened: true }),
    [
      "train --recipe sure --model 777 --seed 0 --out run",
    ].join(),
  );
});

Deno.test("provingCommand() repeats what was asked, with more seconds", () => {
  assertEquals(rest(provingCommand({})), "cli.ts certify --seconds 600");
  assertEquals(
    rest(provingCommand({ from: "a.safetensors", out: "b.json", seconds: 9, threads: 2 })),
    "--allow-read=a.safetensors --allow-write=b.json cli.ts certify --from a.safetensors --out b.json --seconds 9 --threads 2",
  );
});

/** The last line that `train` prints for a run of this kind. */
function lastLine(
  run: { args: string[]; out?: string; from?: string },
  report: Partial<TrainReport>,
): string {
  const name = run.from === undefined ? "train" : "continue";
  const input = { name, args: run.args, flags: { out: run.out, from: run.from }, json: false };
  const whole = { ...{ model: 763, seed: 1, exactMatch: 1, finished: true, hardeningRounds: null }, ...report };
  return nextLines(input, whole as TrainReport).at(-1)!.replaceAll(
    /(?:npx -y )?deno\S* run (?:--allow-\S+ )*\S*cli\.ts /g,
    "> ",
  );
}

const counterexample = { a: 1, b: 2, expected: 3, got: 4, step: 0 };
const PROOF = "> certify --from run/model.safetensors --out run/certificate.json --seconds 600";

Deno.test("a proof that was not finished gets more time in the last line, saved or not", () => {
  const undecided = { certified: false, counterexample: null };
  const out = "run";
  assertEquals(lastLine({ args: ["--out", out], out }, { ...undecided, checkpoint: "run/model.safetensors" }), PROOF);
  assertEquals(
    lastLine({ args: ["--seed", "7"] }, { ...undecided, checkpoint: null }),
    `> train --seed 7 --out run && ${PROOF}`,
  );
});

Deno.test("a refuted run that was cut short is finished and hardened, whether or not hardening was asked for", () => {
  const short = { certified: false, counterexample, finished: false };
  for (const args of [["--steps", "9"], ["--harden", "--steps=9"]]) {
    assertEquals(lastLine({ args }, { ...short, checkpoint: null }), "> train --harden --out run");
    const saved = { ...short, checkpoint: "run/model.safetensors" };
    assertEquals(lastLine({ args, out: "run" }, saved), "> train --resume --harden --out run");
  }
});

Deno.test("a refuted second pass is mended from its own weights, or from those it began with", () => {
  const refuted = { certified: false, counterexample };
  const [from, out] = ["old.safetensors", "run/more"];
  assertEquals(
    lastLine({ args: [], from, out }, { ...refuted, checkpoint: "run/more/model.safetensors" }),
    "> continue --from run/more/model.safetensors --recipe sure --harden --out run/more/proved",
  );
  assertEquals(
    lastLine({ args: ["--from", from], from }, { ...refuted, checkpoint: null }),
    "> continue --from old.safetensors --recipe sure --harden --out proved",
  );
});

Deno.test("certify ends with the command that mends a refuted model, or that gives the proof more time", async () => {
  const checkpoint = shippedCheckpoint();
  const proof = { from: "a.safetensors", out: "p.json", seconds: 100 };
  assertEquals(await nextCommand(checkpoint, { certified: true, counterexample: null }, proof), undefined);
  const undecided = await nextCommand(checkpoint, { certified: false, counterexample: null }, proof);
  assertMatch(undecided!, /\n.* certify --from a\.safetensors --out p\.json --seconds 1000$/);
  const learned = await nextCommand(checkpoint, { certified: false, counterexample }, proof);
  assertMatch(learned!, /\n.* continue --from a\.safetensors --recipe sure --harden --out proved$/);
  const untrained = { ...checkpoint, parameters: checkpoint.parameters.map((weight) => weight / 2) };
  const other = await nextCommand(untrained, { certified: false, counterexample }, proof);
  assertMatch(other!, /\n.* train --recipe sure --seed 6 --out seed-6$/); // the shipped weights have seed 5
});
