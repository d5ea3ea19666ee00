/**
 * Runs tests with the permissions that they need, and says at the end how many were ignored and what would run them.
 *
 * ```sh
 * deno task test                                # all but those on a GPU
 * deno task test tests/model tests/cli/add_test.ts --filter=sum
 * deno task test --strict                       # a test that is ignored for want of a program is a failure
 * ```
 *
 * @module
 */
import { filesOf, type Need, NEEDS } from "./runtimes/program.ts";

/** What runs where no folder and no file is named. */
const ALL = ["tests", "web/tests"];
/** Tests on a GPU want a process of their own: next to others some drivers crash at its end. */
const ON_GPU = "tests/engine/webgpu";

/** The one place that says what tests may do. */
function permissions(): string[] {
  const names = Object.values<Need>(NEEDS).flatMap(({ names }) => names);
  const programs = [Deno.execPath(), ...[...names, "npx"].flatMap(filesOf)];
  return [
    ...["--no-prompt", "--allow-read", "--allow-write", "--allow-net=127.0.0.1"],
    // of the tests themselves, then of what puppeteer, AssemblyScript and yaml ask for
    "--allow-env=PATH,PATHEXT,CI,LOG_TOKENS,LOG_STREAM,WS_NO_BUFFER_UTIL,PUPPETEER_WEBDRIVER_BIDI_ONLY",
    `--allow-run=${[...new Set(programs)].join(",")}`,
  ];
}

/** The environment of the tests. */
function environment(): Record<string, string> {
  // with one of these set, Deno lets nobody start a program who may not do everything
  const isLoaders = ([name]: [string, string]) => /^(LD|DYLD)_/.test(name);
  const inherited = Object.fromEntries(Object.entries(Deno.env.toObject()).filter((entry) => !isLoaders(entry)));
  // software GPUs on Linux want both
  const forGpu: Record<string, string> = Deno.build.os === "linux"
    ? { XDG_RUNTIME_DIR: "/tmp", DENO_WEBGPU_BACKEND: "vulkan" }
    : {};
  return { ...forGpu, ...inherited };
}

/** Why tests were ignored, from the names in a report of `deno test --junit-path`, and how many for each reason. */
export function ignoredTests(report: string): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const [, name] of report.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped/g)) {
    const reason = / \(ignored as (.+)\)$/.exec(name)?.[1].replaceAll("&apos;", "'") ?? "no reason is given";
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}

/** Whether `deno task setup` may help. */
const canBeInstalled = (reason: string) => reason.endsWith(" is not installed");

/** The last line of a run. */
export function closingLine(reasons: ReadonlyMap<string, number>, note = ""): string {
  const count = [...reasons.values()].reduce((sum, tests) => sum + tests, 0);
  if (count === 0) return `No test was ignored.${note}`;
  const list = [...reasons].map(([reason, tests]) => `${reason} (${tests})`).join(", ");
  const help = [...reasons.keys()].some(canBeInstalled) ? " Run deno task setup to install what is missing." : "";
  return `${count} ${count === 1 ? "test was" : "tests were"} ignored: ${list}.${help}${note}`;
}

async function main(args: readonly string[]): Promise<number> {
  const isStrict = args.includes("--strict");
  const flags = args.filter((arg) => arg.startsWith("-") && arg !== "--strict");
  const named = args.filter((arg) => !arg.startsWith("-"));
  for (const path of named) {
    if (await Deno.stat(path).then(() => true, () => false)) continue;
    console.error(
      `Cannot test ${path} as it must be a folder or a file: nothing is there (a flag's value follows it after =)`,
    );
    return 2;
  }
  const isOnGpu = named.some((path) => path.replace(/^\.\//, "").startsWith(ON_GPU));
  const folder = await Deno.makeTempDir({ prefix: "tiny-adder-report-" });
  try {
    const report = `${folder}/report.xml`;
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--quiet", "--config", "tests/deno.json", `--junit-path=${report}`, ...permissions(), ...flags],
        ...(isOnGpu ? [] : ["--parallel", `--ignore=${ON_GPU}`]),
        ...(named.length > 0 ? named : ALL), // what follows a path is no flag
      ],
      env: environment(),
      clearEnv: true,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    const text = await Deno.readTextFile(report).catch(() => null);
    if (text === null) return code; // nothing ran, and Deno has said why
    const reasons = ignoredTests(text);
    const leavesOutGpu = !isOnGpu && (named.length === 0 || named.some((path) => `${ON_GPU}/`.startsWith(path)));
    console.log(closingLine(reasons, leavesOutGpu ? " Tests on a GPU are apart: deno task test:webgpu." : ""));
    return code !== 0 || !isStrict ? code : [...reasons.keys()].some(canBeInstalled) ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
