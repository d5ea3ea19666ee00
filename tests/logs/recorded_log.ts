/** A recorded log, and what was made of it. */
import { fromFileUrl } from "@std/path";
import { parseLog } from "../../src/logs/run_log.ts";

/** The path of `log.jsonl`, `log.csv` or `log.svg`. */
export const recorded = (name: string) => fromFileUrl(new URL(`../golden/${name}`, import.meta.url));

/** Makes an error of a line that is none of a log. */
export const fail = (reason: string) => new SyntaxError(reason);

export const log = parseLog("run", await Deno.readTextFile(recorded("log.jsonl")), fail);
