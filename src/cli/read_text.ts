import { reasonOf } from "../checkpoint/store.ts";
import { quote, UsageError } from "./usage_error.ts";

/** Reads a text file that a flag names. @param what What the file must be, for errors */
export async function readText(path: string, what: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error; // it says which permission is missing
    const reason = error instanceof Deno.errors.NotFound
      ? ": there is no such file"
      : ` as it must be ${what}: ${reasonOf(error)}`;
    throw new UsageError(`Cannot read ${quote(path)}${reason}`);
  }
}
