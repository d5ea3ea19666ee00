import { readLab, serveLab } from "../lab/server.ts";
import { defineCommand } from "./command.ts";
import { text, wholeNumber } from "./flags.ts";
import { printJson } from "./format.ts";

/** Where `deno task lab:build` puts the page. */
const FOLDER = "dist/lab";
const PORT = 8763;

/** The command `lab`. */
export const labCommand = defineCommand({
  name: "lab",
  description:
    "Serves the web page that trains, adds, looks inside and proves, to this machine alone. `deno task lab` builds it first.",
  flags: {
    dir: text("DIR", `the built page (${FOLDER})`),
    port: wholeNumber("N", `port, 0 for any that is free (${PORT})`, { least: 0, most: 65_535 }),
  },
  permissions: "--allow-read=DIR --allow-net=127.0.0.1",
  example: "deno run --allow-read=dist/lab --allow-net=127.0.0.1 cli.ts lab --port 8080",
  async run({ flags: { dir = FOLDER, port = PORT }, json }) {
    const server = serveLab(await readLab(dir), port);
    const url = `http://localhost:${server.addr.port}/`;
    if (json) printJson({ url, dir });
    else console.log(`the lab is at ${url} (Ctrl+C ends it)`);
    await server.finished;
    return 0;
  },
});
