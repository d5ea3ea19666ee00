/** `deno task test:kills`: 200 kills, or as many as it is told. */
import { killRuns } from "./kills.ts";

const folder = await Deno.makeTempDir({ prefix: "tiny-adder-kills-" });
try {
  const begin = performance.now();
  const report = await killRuns(folder, Number(Deno.args[0] ?? 200));
  console.log(JSON.stringify({ ...report, seconds: Math.round((performance.now() - begin) / 1000) }));
} finally {
  await Deno.remove(folder, { recursive: true });
}
