import { assert, assertEquals, assertThrows } from "@std/assert";
import { lossSvg } from "../../src/logs/plot.ts";
import { parseLog, toCsv } from "../../src/logs/run_log.ts";
import { fail, log, recorded } from "./recorded_log.ts";

Deno.test("toCsv() gives the recorded table, with the attempt of each row", async () => {
  assertEquals(toCsv([log]), await Deno.readTextFile(recorded("log.csv")));
});

Deno.test("parseLog() names the line that is none of a log", () => {
  const end = '{"event":"end"}\n';
  const wrong = ["{", "null", "[]", '{"step":1}', '{"event":"step"}', '{"event":"step","step":"1"}'];
  wrong.push('{"event":"end","step":1.5}', '{"event":"step","step":-1}', '{"event":"restart","attempt":"1"}');
  for (const line of wrong) {
    assertThrows(() => parseLog("run", `${end}${line}\n`, fail), SyntaxError, "line 2 must be that of a run's log: ");
  }
  assertEquals(parseLog("run", `${end}{"ev`, fail).lines.length, 1);
});

Deno.test("a long log is plotted, and a cell holds any value", () => {
  const line = (step: number) => `{"event":"step","step":${step},"stage":{"a":[1]},"loss":1}\n`;
  const long = parseLog("run", Array.from({ length: 200_000 }, (_, step) => line(step)).join(""), fail);
  assert(lossSvg([long]).includes(">150,000<"));
  assert(toCsv([{ ...long, lines: long.lines.slice(0, 1) }]).includes(',"{""a"":[1]}",'));
});
