/**
 * Prints what GitHub's own language service has to say against workflows: a JSON object of messages by path. It runs as a bundle, because
 * the package imports JSON in a way that only bundlers know.
 */
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";

const messages: Record<string, string[]> = {};
for (const path of Deno.args) {
  const text = await Deno.readTextFile(path);
  const found = await validate(TextDocument.create(`file://${path}`, "yaml", 1, text));
  messages[path] = found.map(({ range, message }) => `line ${range.start.line + 1}: ${message}`);
}
console.log(JSON.stringify(messages));
