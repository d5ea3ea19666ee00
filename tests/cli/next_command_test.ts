import { assertEquals, assertMatch } from "@std/assert";
import { commandLine, mendingCommand, provingCommand } from "../../src/cli/next_command.ts";

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
    rest(provingCommand({ file: "a.safetensors", certificate: "b.json", seconds: 9, threads: 2 })),
    "--allow-read=a.safetensors --allow-write=b.json cli.ts certify --from a.safetensors --out b.json --seconds 9 --threads 2",
  );
});
