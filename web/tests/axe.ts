/** Accessibility faults, by axe-core. */
import { assert } from "@std/assert";
import axe from "axe-core/axe.min.js" with { type: "text" };
import type { Page } from "puppeteer-core";

/** What axe-core finds, of these impacts. */
export async function faults(page: Page, impacts: readonly string[]): Promise<string[]> {
  await page.evaluate(axe); // not held back by the page's policy, which forbids scripts from elsewhere
  const { violations, passes } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[]; passes: unknown[] }> } }).axe.run()
  );
  assert(passes.length > 20, `axe-core looked at ${passes.length} things`);
  return violations.filter(({ impact }) => impacts.includes(impact)).map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`
  );
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}
