import { readLab, serveLab } from "../lab/server.ts";
import { defineCommand } from "./command.ts";
import { text, wholeNumber } from "./flags.ts";
import { printResult } from "./format.ts";

/** The output folder of `deno task lab:build`. */
const FOLDER = "dist/lab";
const PORT = 8763;

export const labCommand = defineCommand({
  description:
    "Serves the web page on this machine only. The page trains, adds, shows how a model adds, and proves.\n" +
    "`deno task lab` builds the page and serves it.",
  flags: {
    dir: text("DIR", `folder of the built page (default: ${FOLDER})`),
    port: wholeNumber("N", `port to listen on; 0: any free port (default: ${PORT})`, [0, 65_535]),
  },
  permissions: "--allow-read=DIR --allow-net=127.0.0.1",
  example: "deno run --allow-read=dist/lab --allow-net=127.0.0.1 cli.ts lab --port 8080",
  async run({ flags: { dir = FOLDER, port = PORT }, json }) {
    const server = serveLab(await readLab(dir), port);
    const url = `http://localhost:${server.addr.port}/`;
    printResult({ url, dir }, `the page is at ${url} (Ctrl+C stops the server)`, { json });
    await server.finished;
    return 0;
  },
});
