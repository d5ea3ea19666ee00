/** README and docs: links lead somewhere, commands exist, and the code of the README runs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { readInput } from "../src/cli/command.ts";
import { allCommands } from "../src/cli/dispatch.ts";
import { outputOf } from "./runtimes/program.ts";
import { PROJECT, publishedFiles } from "./runtimes/published_files.ts";

/** The Deno that the README asks npm for. */
const DENO = /^npx -y deno@[\d.]+ /;

const published = await publishedFiles();
const documents = new Map(
  await Promise.all(
    published.filter((path) => path.endsWith(".md"))
      .map(async (path) => [path, await Deno.readTextFile(join(PROJECT, path))] as const),
  ),
);
const readme = documents.get("README.md")!;

/** The code blocks of a document in one language. */
function codeBlocks(text: string, language: string): string[] {
  return Array.from(text.matchAll(RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, "gms")), ([, code]) => code);
}

/** The commands in a document's shell blocks, without their comments. */
function commandsOf(text: string): { command: string; comment: string }[] {
  const lines = codeBlocks(text, "sh").flatMap((code) => code.split("\n")).filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [command, comment = ""] = line.trim().split(/ +# /);
    return { command, comment };
  });
}

/** A document without its code, in which brackets are no links. */
function prose(text: string): string {
  return text.replace(/^ *```.*?^ *```/gms, "").replace(/`[^`]*`/g, "");
}

/** The anchors of a document's headings, as GitHub and JSR make them. */
function anchors(text: string): string[] {
  return Array.from(prose(text).matchAll(/^#+ (.*)$/gm), ([, heading]) => heading.toLowerCase())
    .map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
}

Deno.test("the package has the documents that the README names", () => {
  for (const path of ["README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "docs/README.md", "docs/glossary.md"]) {
    assert(published.includes(path), `${path} is not published`);
  }
  assert(documents.size > 12, `${documents.size}`);
});

for (const [path, text] of documents) {
  Deno.test(`every link in ${path} leads to a file of the package, and to a heading that is there`, () => {
    const targets = Array.from(prose(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target)
      .filter((target) => !/^https?:/.test(target));
    const dead = targets.filter((target) => {
      const [file, anchor] = target.split("#");
      const linked = file === "" ? path : join(dirname(path), file).replaceAll("\\", "/");
      const there = published.includes(linked);
      return !there || (anchor !== undefined && !anchors(documents.get(linked) ?? "").includes(anchor));
    });
    assertEquals(dead, []);
  });

  Deno.test(`every command in ${path} exists and takes its flags`, async () => {
    const commands = new Map((await allCommands()).map((command) => [command.name, command]));
    for (const name of Array.from(text.matchAll(/deno(?:@[\d.]+)? task ([a-z][\w:-]*)/g), ([, name]) => name)) {
      assert(Object.hasOwn(config.tasks, name), `there is no task ${name}`);
    }
    for (const { command } of commandsOf(text)) {
      const [, line] = /\bcli\.ts (.*)$/.exec(command) ?? [];
      if (line === undefined) continue;
      const [first, ...rest] = line.split(" ");
      if (first === "help") continue;
      const named = commands.get(/^\d/.test(first) ? "add" : first);
      assert(named !== undefined, `there is no command ${first}`);
      readInput(named.name, named, named.name === first ? rest : [first, ...rest]); // throws if a flag is wrong
    }
  });
}

Deno.test("docs/README.md lists every document in docs/", () => {
  for (const path of documents.keys()) {
    if (!path.startsWith("docs/") || path === "docs/README.md") continue;
    assertStringIncludes(documents.get("docs/README.md")!, `(${path.slice("docs/".length)})`);
  }
});

Deno.test("the README's TypeScript runs, without permissions", async () => {
  assert(codeBlocks(readme, "ts").length > 0);
  await outputOf(Deno.execPath(), ["test", "--quiet", "--no-prompt", "--doc", join(PROJECT, "README.md")]);
});

Deno.test("the README's commands run, or name a task or a package that is there", async () => {
  const commands = commandsOf(readme);
  assert(commands.some(({ command }) => DENO.test(command)));
  for (const { command, comment } of commands) {
    const [program, ...args] = command.replace(DENO, "deno ").split(" ");
    if (args[0] === "task") assert(Object.hasOwn(config.tasks, args[1]), command);
    else if (args.includes("add")) assertEquals(args.at(-1)!.replace("jsr:", ""), config.name);
    else {
      assertEquals([program, args[0]], ["deno", "run"], command);
      const output = await outputOf(Deno.execPath(), args.map((arg) => arg === "cli.ts" ? join(PROJECT, arg) : arg));
      assertEquals(output.trim(), comment);
    }
  }
});
