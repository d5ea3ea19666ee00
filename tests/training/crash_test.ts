/** Nothing is lost: not by a kill, not by a full disk, not by a second run in the same folder. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { sha256 } from "../../src/common/encoding.ts";
import { TrainingError } from "../../src/training/error.ts";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { Journal } from "../../src/training/journal.ts";
import { train } from "../../src/training/train.ts";
import { commandOf, testIn } from "../runtimes/program.ts";
import { startTinyAdder, temporaryFolder, tinyAdder } from "../cli/tiny_adder.ts";
import { killRuns } from "./kills.ts";
import { shortRecipe } from "./short_recipe.ts";

const KILLS = 20; // deno task test:kills does 200

Deno.test(`runs that are killed ${KILLS} times end with the bytes of runs that nobody disturbed`, async () => {
  await using folder = await temporaryFolder();
  const report = await killRuns(folder.path, KILLS);
  assertEquals(report.kills, KILLS);
  assert(report.runs > 0);
});

/** Shell commands that run the rest with a disk that is full, and then one that has room again. `$1` is a folder, `$deno …` the command line. */
const FULL_DISKS: Readonly<Record<string, string>> = {
  // no file may grow beyond 8 KiB: writes fail half way, with EFBIG
  "a limit": `
    run="$1/run"
    first
    (trap "" XFSZ; ulimit -f 8; "\${deno[@]}" train --resume --save-every 0 --out "$run"); echo "exit $?"
    last`,
  // a disk of 128 KiB that something else has filled: ENOSPC.
  "a disk": `
    run="$1/disk/run"
    mkdir "$1/disk"
    mount -t tmpfs -o size=128k none "$1/disk"
    first
    cat /dev/zero > "$1/disk/other" 2>/dev/null
    "\${deno[@]}" train --resume --save-every 0 --out "$run"; echo "exit $?"
    rm "$1/disk/other"
    last`,
};

const AROUND = `
  deno=("$2" run --no-prompt --no-check --no-code-cache "--allow-read=$1" "--allow-write=$1" "$3")
  first() { "\${deno[@]}" train --steps 1000 --no-certify --threads 1 --out "$run" --json > /dev/null; }
  last() {
    ls -A "$run" | tr "\\n" " "; echo
    "\${deno[@]}" train --resume --steps 3000 --no-certify --threads 1 --out "$run" --json > /dev/null
    sha256sum < "$run/model.safetensors"
  }`;

async function bash(script: string, ...args: string[]): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const [program] = commandOf("bash");
  const command = new Deno.Command(program, { args: ["-c", script, "bash", ...args], env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await command.output();
  return { success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

const IN_NAMESPACE = 'exec unshare --map-root-user --mount bash -c "$@"';

for (const [name, script] of Object.entries(FULL_DISKS)) {
  const mounts = name === "a disk";
  const what = `${name} that is full leaves the last good state, and a resume ends with the same bytes`;
  testIn(
    mounts ? ["bash", "sha256sum", "a disk of one's own"] : ["bash", "sha256sum"],
    what,
    async () => {
      await using folder = await temporaryFolder();
      const straight = join(folder.path, "straight");
      const { code } = await tinyAdder(["train", "--steps", "3000", "--no-certify", "--out", straight], folder.allow);
      assertEquals(code, 0);
      const model = await Deno.readFile(join(straight, "model.safetensors"));
      const hash = await sha256(model);

      const cli = new URL("../../cli.ts", import.meta.url).pathname;
      const whole = `${AROUND}\n${script}`;
      const { stdout, stderr } = mounts
        ? await bash(IN_NAMESPACE, whole, "bash", folder.path, Deno.execPath(), cli)
        : await bash(whole, folder.path, Deno.execPath(), cli);
      const why = mounts ? "No space left on device" : "File too large";
      assertMatch(
        stderr,
        new RegExp(`^Cannot write \\S+(log\\.jsonl|state\\.safetensors) as .+: ${why} \\(os error \\d+\\)$`, "m"),
      );
      assertEquals(stdout, `exit 2\nlog.jsonl model.safetensors state.safetensors \n${hash}  -\n`);
    },
  );
}

testIn("Unix", "a folder that cannot be written to is refused, whoever asks", async () => {
  await using folder = await temporaryFolder();
  const locked = join(folder.path, "locked");
  await Deno.mkdir(locked);
  await Deno.chmod(locked, 0o555);
  // root may write there all the same, but not here
  const isRoot = await Deno.writeTextFile(join(locked, "file"), "").then(() => true, () => false);
  const path = isRoot ? "/proc/sys/kernel" : locked;
  await assertRejects(
    () => train({ recipe: shortRecipe(), out: path }),
    CheckpointError,
    `Cannot write to ${path} as it must be a directory that can be written to: `,
  );
  await assertRejects(() => train({ resume: true, out: path }), CheckpointError, `Cannot write to ${path} as`);
});

Deno.test("a second run in a folder is refused while the first is at work, and only then", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const first = startTinyAdder(["train", "--recipe", "paper", "--save-every", "0", "--out", out], folder.allow);
  const state = join(out, "state.safetensors");
  while (!await Deno.stat(state).then(() => true, () => false)) await new Promise((wait) => setTimeout(wait, 20));
  try {
    for (const [more, asked] of [[[], "start a run"], [["--resume"], "go on with the run"]] as const) {
      assertEquals(await tinyAdder(["train", "--steps", "1", "--out", out, ...more], folder.allow), {
        code: 2,
        stdout: "",
        stderr: `Cannot ${asked} in ${out} as no other run may be at work there: one is, and has ${
          join(out, "log.jsonl")
        } locked\n`,
      });
    }
  } finally {
    first.kill("SIGKILL");
    await first.output();
  }
  const { code, stderr } = await tinyAdder(["train", "--resume", "--steps", "1", "--out", out], folder.allow);
  assertEquals(code, 0, stderr);
});

Deno.test("a second run in a folder is refused in the same process, too, and none stays locked out", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const journal = await Journal.open(out);
  await assertRejects(() => train({ recipe: shortRecipe(), out }), TrainingError, "no other run may be at work there");
  journal.close();
  await assertRejects(() => train({ out, resume: true }), TrainingError, "as it must hold its state");
  await train({ recipe: shortRecipe(), out, steps: 10 });
  await assertRejects(() => train({ out, resume: true, seed: 99 }), TrainingError, "as its seed must be");
  await assertRejects(() => train({ recipe: shortRecipe(), out }), TrainingError, "must not hold an unfinished one");
  await train({ out, resume: true });
});

Deno.test("what a killed process had begun to write is removed by the next run, and nothing else", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const mine = [".hidden", "notes.tmp", ".model.safetensors.tmp"];
  const left = [`.state.safetensors.${crypto.randomUUID()}.tmp`, ".writable-1a2b3c"];
  for (const name of [...mine, ...left]) await Deno.writeTextFile(join(out, name), "");
  await train({ recipe: shortRecipe(), out, steps: 1 });
  const names = (await Array.fromAsync(Deno.readDir(out), ({ name }) => name)).sort();
  assertEquals(names, [...mine, "log.jsonl", "model.safetensors", "state.safetensors"].sort());
});

Deno.test("the proof of other weights goes when new ones come, and stays with its own", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe: shortRecipe(), out });
  const proof = join(out, "certificate.json");
  await Deno.writeTextFile(proof, "{}");
  await train({ out, resume: true });
  assertEquals(await Deno.readTextFile(proof), "{}");
  await train({ recipe: shortRecipe(), out, seed: 2, overwrite: true });
  await assertRejects(() => Deno.stat(proof), Deno.errors.NotFound);
});
