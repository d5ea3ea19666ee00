/**
 * Stands in for `jsr:@std/path@^1` in a checkout that cannot reach JSR: the functions that we use, over `node:path` and
 * `node:url`. The published package never contains it.
 *
 * @module
 */
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Joins parts of a path and normalizes the result. */
export function join(target: string, ...paths: string[]): string {
  return path.join(target, ...paths);
}

/** The folder that a path lies in. */
export function dirname(target: string): string {
  return path.dirname(target);
}

/** The last part of a path, without `suffix` where it ends so. */
export function basename(target: string, suffix?: string): string {
  return path.basename(target, suffix);
}

/** The absolute path that parts give, read from right to left. */
export function resolve(...pathSegments: string[]): string {
  return path.resolve(...pathSegments);
}

/** The path that a `file:` URL names. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** The `file:` URL of an absolute path. */
export function toFileUrl(target: string): URL {
  if (!path.isAbsolute(target)) throw new TypeError(`Path must be absolute: received "${target}"`);
  return pathToFileURL(target);
}
