/** `deno task bench:peers`: that rivals are checked before they are timed, and that those that are missing are named. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { compare, golden } from "../../bench/peers/protocol.ts";
import { RIVALS } from "../../bench/peers/rivals.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { testIn } from "../runtimes/program.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

interface Row {
  rival: string;
  check?: { same: boolean; text: string };
  missing?: string;
  theirs: { cpu: number; wall: number }[];
  ours: Record<string, { cpu: number; wall: number }[]>;
}

async function benchPeers(...flags: string[]): Promise<Row[]> {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--config", "bench/deno.json", "--no-prompt", "--allow-read", "--allow-run"],
      ...[`--allow-write=${folder.path}`, "--allow-sys=cpus,loadavg", "bench/peers/run.ts"],
      ...["--json", "--work", folder.path, ...flags],
    ],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).rows;
}

Deno.test("bench:peers names each rival that is missing, and the command that would install it", async () => {
  const rows = await benchPeers("--check", "--no-install");
  for (const { rival, check, missing } of rows) {
    if (rival === "ours") assertEquals(check?.same, true);
    else assertStringIncludes(missing ?? "", "what would install it: cd ");
  }
  assertEquals(new Set(rows.map(({ rival }) => rival)).size, RIVALS.length);
});

Deno.test("bench:peers times ours against ours", async () => {
  const rows = await benchPeers("--quick", "--only", "ours");
  assertEquals(rows.length, 2);
  for (const { theirs: [theirs], ours: { exact: [exact], fast: [fast] } } of rows) {
    for (const { cpu, wall } of [theirs, exact, fast]) assert(cpu > 0 && wall > 0);
  }
});

testIn("gcc", "bench:peers finds that the native form trains and decodes as PyTorch does", async () => {
  const [{ check, missing }] = await benchPeers("--check", "--only", "native-128");
  assertEquals(missing, undefined);
  assertEquals(check?.same, true, check?.text);
});

Deno.test("bench:peers refuses a rival with another loss or another token", async () => {
  const { losses, tokens } = await golden();
  assertEquals((await compare({ losses, tokens })).same, true);
  assertEquals((await compare({ losses: losses.map((loss) => loss + 2e-4) })).same, false);
  assertEquals((await compare({ tokens: tokens.with(100, (tokens[100] + 1) % 14) })).same, false);
});
