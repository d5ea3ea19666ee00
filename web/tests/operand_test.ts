/** Numbers are read as people write them. */
import { assert, assertEquals } from "@std/assert";
import { readOperand } from "../operand.ts";

Deno.test("readOperand() takes separators between digits, and leading zeros", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["42", 42],
    [" 9999999999 ", 9999999999],
    ["1 234 567 890", 1234567890],
    ["1\u202f234\u00a0567", 1234567],
    ["1,234,567,890", 1234567890],
    ["1.234.567", 1234567],
    ["1'234’567", 1234567],
    ["1_000", 1000],
    ["12,345", 12345],
    ["000000000000000007", 7],
  ];
  for (const [text, value] of cases) assertEquals(readOperand(text), value, text);
});

Deno.test("readOperand() says why it does not take what is no whole number of ten digits", () => {
  for (const text of ["", "  ", "12a", "-1", "1e3", "1.5", "1.500", "1,23", "12,34,567", "1,234.5", "0x10", "٣", "½"]) {
    const problem = readOperand(text);
    assert(typeof problem === "string" && problem.includes("9,999,999,999"), `${text}: ${problem}`);
    assert(text.trim() === "" || problem.includes(text), problem);
  }
  for (const text of ["12345678901", "12,345,678,901"]) {
    const problem = readOperand(text);
    assert(typeof problem === "string" && problem.includes(`${text} has 11 digits`), String(problem));
  }
});
