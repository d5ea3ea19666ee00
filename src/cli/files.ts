import { type Checkpoint, decodeCheckpoint, readCheckpointFile } from "../checkpoint/safetensors/checkpoint.ts";
import { reasonOf, withFile, writeAll, writeFile } from "../checkpoint/safetensors/store.ts";
import { decodeText } from "../common/text.ts";
import { parseModel } from "../model/variant.ts";
import { SHIPPED_MODELS, shippedCheckpoint } from "../weights/mod.ts";
import { quote, UsageError, wrongValue } from "./flags.ts";

/** Stands for standard input or output where a path is expected. */
export const STANDARD = "-";

export function nameOf(path: string): string {
  return path === STANDARD ? "standard input" : quote(path);
}

/** Reads a file that a flag names, or standard input. @param what What it must be, for errors */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  if (path === STANDARD) return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error; // it says which permission is missing
    const isMissing = error instanceof Deno.errors.NotFound;
    const reason = isMissing ? ": there is no such file" : ` as it must be ${what}: ${reasonOf(error)}`;
    throw new UsageError(`Cannot read ${nameOf(path)}${reason}`);
  }
}

export async function readText(path: string, what: string): Promise<string> {
  const bytes = await readBytes(path, what);
  return decodeText(bytes, (reason) => new UsageError(`Cannot read ${nameOf(path)} as it must be ${what}: ${reason}`));
}

/** Checks, before the work, that a file would not be replaced. Needs permission to write it, not to read it. @throws {UsageError} If it would */
export async function checkOutput(path: string | undefined, overwrite: boolean): Promise<void> {
  if (path === undefined || path === STANDARD || overwrite) return;
  // without one, or where it cannot be opened, writing it will say what is wrong
  const found = await withFile(path, { write: true }, (file) => file.stat()).catch(() => undefined);
  if (!found?.isFile || found.size === 0) return;
  throw new UsageError(
    `Cannot write ${quote(path)} as it must not replace a file: there is one of ${found.size} bytes. ` +
      "Replace it (--overwrite), or name another file",
  );
}

export async function writeOutput(path: string, content: Uint8Array | string): Promise<number> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  if (path === STANDARD) await writeAll(Deno.stdout, bytes);
  else await writeFile(path, bytes);
  return bytes.length;
}

const SHIPPED = "shipped:";

/** The checkpoint that `--from` names, or the shipped one, and its name in reports. */
export async function modelFrom(from: string | undefined): Promise<{ checkpoint: Checkpoint; name: string }> {
  if (from === undefined) return { checkpoint: shippedCheckpoint(), name: "shipped" };
  if (from.startsWith(SHIPPED)) {
    const model = parseModel(from.slice(SHIPPED.length));
    const shipped = SHIPPED_MODELS.find((one) => one === model);
    if (shipped !== undefined) return { checkpoint: shippedCheckpoint(shipped), name: from };
    const names = SHIPPED_MODELS.map((one) => SHIPPED + one).join(", ");
    throw wrongValue("from", `a file, a folder or one of ${names}`, from);
  }
  if (from !== STANDARD) return { checkpoint: await readCheckpointFile(from), name: from };
  const bytes = await readBytes(from, "a checkpoint");
  return { checkpoint: decodeCheckpoint(bytes, { source: nameOf(from) }), name: from };
}
