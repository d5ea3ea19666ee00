/**
 * `deno task setup`: installs what some tests need, Debian's packages by apt-get, others by npm and pip. Elsewhere it says what to install.
 *
 * @module
 */
import { filesOf, forgetMissing, type Need, type NeedName, NEEDS, whyIgnored } from "./runtimes/program.ts";

/** The driver of a software GPU; nothing on the PATH shows that it is there. */
const DRIVER = "mesa-vulkan-drivers";

async function run(program: string, ...args: string[]): Promise<boolean> {
  console.log(`$ ${[program, ...args].join(" ")}`);
  return (await new Deno.Command(program, { args, stdin: "inherit" }).spawn().status).success;
}

/** Runs apt-get as root. */
function apt(...args: string[]): Promise<boolean> {
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
  const [program, ...rest] = Deno.uid() === 0 ? command : ["sudo", ...command];
  return run(program, ...rest);
}

async function hasDriver(): Promise<boolean> {
  for await (const { name } of Deno.readDir("/usr/share/vulkan/icd.d")) if (name.startsWith("lvp_icd")) return true;
  return false;
}

const missing = (Object.keys(NEEDS) as NeedName[]).filter((name) => {
  const { debian, npm, pip }: Need = NEEDS[name];
  return (debian ?? npm ?? pip) !== undefined && whyIgnored(name) !== null;
});
const needs = missing.map((name): Need => NEEDS[name]);

for (const { npm, names } of needs) {
  if (npm !== undefined) await run("npx", "-y", "-p", npm, names[0], "--version");
}
if (filesOf("apt-get").length > 0) {
  const packages = needs.flatMap(({ debian, pip }) =>
    debian?.split(" ") ?? (pip === undefined ? [] : ["python3-venv"])
  );
  if (!await hasDriver().catch(() => false)) packages.push(DRIVER);
  if (packages.length > 0) await apt("update", "--quiet=2");
  // one by one: a system that is like Debian may lack one
  for (const name of packages) await apt("install", "--yes", "--quiet=2", "--no-install-recommends", name);
}

const [python] = ["python3", "python"].flatMap(filesOf);
for (const { pip } of needs) {
  if (pip === undefined || python === undefined) continue;
  if (
    !await run(python, "-m", "venv", ".venv") || !await run(".venv/bin/python3", "-m", "pip", "install", "--quiet", pip)
  ) {
    console.log(`${pip} could not be installed; its tests are ignored.`);
  }
}

forgetMissing();
const left = missing.filter((name) => (NEEDS[name] as Need).pip === undefined && whyIgnored(name) !== null);
if (left.length > 0) {
  console.log(
    `Not installed: ${
      left.join(", ")
    }. Install them so that they are on the PATH; without them their tests are ignored.`,
  );
  Deno.exit(1);
}
console.log("Everything that tests need is installed.");
