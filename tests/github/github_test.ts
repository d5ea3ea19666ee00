/** `.github/` as far as a machine without GitHub can check it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parse } from "yaml";
import config from "../../deno.json" with { type: "json" };
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));
const GITHUB = `${PROJECT}.github/`;
const WORKFLOWS = ["ci", "pages", "publish"].map((name) => `${GITHUB}workflows/${name}.yml`);

/** A step of a job, as far as it is looked at. */
interface Step {
  uses?: string;
  with?: Record<string, unknown>;
  run?: string;
}

/** A workflow, as far as it is looked at. */
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  jobs: Record<
    string,
    { permissions?: Record<string, string>; "timeout-minutes"?: number; uses?: string; steps?: Step[] }
  >;
}

async function readYaml<T>(path: string): Promise<T> {
  return parse(await Deno.readTextFile(path));
}

const workflows = new Map(
  await Promise.all(WORKFLOWS.map(async (path) => [path, await readYaml<Workflow>(path)] as const)),
);
const steps = [...workflows.values()].flatMap(({ jobs }) => Object.values(jobs).flatMap(({ steps = [] }) => steps));
const ci = await Deno.readTextFile(`${PROJECT}.ci/run`);

/** What is wrong in workflows, by path. */
async function messages(...paths: string[]): Promise<Record<string, string[]>> {
  await using folder = await temporaryFolder();
  const script = fromFileUrl(new URL("./validate.ts", import.meta.url));
  const bundle = `${folder.path}/validate.mjs`;
  const settings = fromFileUrl(new URL("../deno.json", import.meta.url));
  await outputOf(Deno.execPath(), [
    "bundle",
    "--quiet",
    "--config",
    settings,
    "--platform",
    "deno",
    "--output",
    bundle,
    script,
  ]);
  return JSON.parse(
    await outputOf(Deno.execPath(), ["run", "--no-config", "--allow-read", "--allow-env", bundle, ...paths]),
  );
}

Deno.test("GitHub's language service has nothing to say against the workflows", async () => {
  assertEquals(await messages(...WORKFLOWS), Object.fromEntries(WORKFLOWS.map((path) => [path, []])));
});

Deno.test("it would: an unknown key, a missing job and a context that there is not are found", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/wrong.yml`;
  await Deno.writeTextFile(
    path,
    `on: push
jobs:
  a:
    runs-on: ubuntu-latest
    needs: b
    steps:
      - run: echo \${{ github.none }}
      - rum: deno task test
`,
  );
  const found = (await messages(path))[path].map((message) => message.replace(/:.*/, ""));
  for (const line of ["line 5", "line 7", "line 8"]) assert(found.includes(line), String(found));
});

/** Commands that `.ci/run` cannot run as they are, each with what it runs in their place. */
const ELSEWHERE: Readonly<Record<string, string>> = { "deno publish": "deno publish --dry-run" };

Deno.test("every command of the workflows is run by .ci/run, too", () => {
  const runs = steps.flatMap(({ run }) => run?.trim() ?? []);
  assert(runs.length >= 5);
  for (const run of runs) {
    if (run === ".ci/run" || run.startsWith("grep ")) continue; // the second is run below
    const task = /^deno task (\S+)$/.exec(run)?.[1];
    if (task !== undefined) assert(task in config.tasks, `there is no task ${task}`);
    else assert(run in ELSEWHERE, `${run} is neither a task nor known`);
    assert(ci.includes(ELSEWHERE[run] ?? run), `.ci/run does not run ${run}`);
  }
});

testIn("bash", "only the tag of the version in deno.json is published", async () => {
  const [check] = steps.flatMap(({ run }) => run?.startsWith("grep ") ? run : []);
  const isPublished = (tag: string) =>
    outputOf("bash", ["-c", `cd '${PROJECT}' && export GITHUB_REF_NAME=${tag} && ${check}`]).then(
      () => true,
      () => false,
    );
  assertEquals(await isPublished(`v${config.version}`), true);
  assertEquals([await isPublished("v0.0.9"), await isPublished(`v${config.version}0`)], [false, false]);
});

Deno.test("actions are pinned to commits, and Deno to the version of .ci/run", () => {
  const version = /DENO_VERSION=(\S+)/.exec(ci)![1];
  for (const { uses, with: inputs } of steps) {
    if (uses === undefined) continue;
    assertMatch(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    if (uses.startsWith("denoland/setup-deno@")) assertEquals(inputs, { "deno-version": version });
    if (uses.startsWith("actions/checkout@")) assertEquals(inputs, { "persist-credentials": false });
  }
});

Deno.test("only publishing and the page get more than a reader's permissions, and every job has a time limit", () => {
  const more: Record<string, Record<string, string>> = {};
  for (const { permissions, jobs } of workflows.values()) {
    assertEquals(permissions, { contents: "read" });
    for (const [name, job] of Object.entries(jobs)) {
      if (job.permissions !== undefined) more[name] = job.permissions;
      assert(job.uses !== undefined || job["timeout-minutes"]! <= 90, name);
    }
  }
  assertEquals(more, {
    publish: { contents: "read", "id-token": "write" },
    deploy: { contents: "read", pages: "write", "id-token": "write" },
  });
});

Deno.test("CI runs on three systems, with Node 22 and 24 and with Bun", () => {
  const { jobs } = workflows.get(WORKFLOWS[0])! as unknown as {
    jobs: { test: { strategy: { matrix: Record<string, unknown> }; steps: Step[] } };
  };
  assertEquals(jobs.test.strategy.matrix, { os: ["ubuntu-latest", "macos-latest", "windows-latest"], node: [22, 24] });
  assert(jobs.test.steps.some(({ uses }) => uses?.startsWith("oven-sh/setup-bun@")));
});

/** A question of an issue form: https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests */
interface Question {
  type: string;
  id?: string;
  attributes: Record<string, unknown>;
  validations?: { required: boolean };
}

Deno.test("issue forms have what GitHub asks of them", async () => {
  const names = await Array.fromAsync(Deno.readDir(`${GITHUB}ISSUE_TEMPLATE`), ({ name }) => name);
  const forms = names.filter((name) => name !== "config.yml");
  assertEquals(forms.sort(), ["bug.yml", "idea.yml", "question.yml"]);
  for (const name of forms) {
    const { body, ...head } = await readYaml<{ body: Question[] }>(`${GITHUB}ISSUE_TEMPLATE/${name}`);
    assertEquals(Object.keys(head), ["name", "description", "labels"], name);
    const questions = body.filter(({ type }) => type !== "markdown");
    const ids = questions.map(({ id }) => id);
    assert(ids.length > 0 && new Set(ids).size === ids.length, name);
    for (const { type, id, attributes, ...rest } of body) {
      if (type === "markdown") {
        assertEquals(Object.keys(attributes), ["value"]);
        continue;
      }
      assert(type === "textarea" || type === "input", `${name}: ${type}`);
      assertMatch(id ?? "", /^[\w-]+$/);
      assertEquals(typeof attributes.label, "string");
      const allowed = ["label", "description", "placeholder", ...(type === "textarea" ? ["render"] : [])];
      assertEquals(Object.keys(attributes).filter((key) => !allowed.includes(key)), []);
      assertEquals(Object.keys(rest).filter((key) => key !== "validations"), []);
    }
  }
  assertEquals(await readYaml(`${GITHUB}ISSUE_TEMPLATE/config.yml`), { blank_issues_enabled: false });
});

Deno.test("Dependabot looks after the actions and after each configuration that names packages", async () => {
  const { version, updates } = await readYaml<{
    version: number;
    updates: {
      "package-ecosystem": string;
      directory?: string;
      directories?: string[];
      schedule: { interval: string };
    }[];
  }>(`${GITHUB}dependabot.yml`);
  assertEquals(version, 2);
  const folders: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(PROJECT)) {
    const text = isDirectory ? await Deno.readTextFile(`${PROJECT}${name}/deno.json`).catch(() => "") : "";
    if (text.includes('"npm:')) folders.push(`/${name}`);
  }
  assertEquals(
    updates.map((update) => [update["package-ecosystem"], update.directory ?? update.directories!.toSorted()]),
    [["github-actions", "/"], ["deno", folders.sort()]],
  );
  for (const { schedule } of updates) assertEquals(schedule, { interval: "weekly" });
});
