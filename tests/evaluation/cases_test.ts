import { assert, assertEquals, assertThrows } from "@std/assert";
import { CaseFileError, parseCases } from "../../src/evaluation/cases.ts";

const READ: [what: string, text: string, operands: number[]][] = [
  ["a plain file", "a,b\n1,2\n3,4\n", [1, 2, 3, 4]],
  ["a sum", "a,b,sum\n42,7,49\n", [42, 7]],
  ["columns in any order", "sum,b,a\n49,7,42", [42, 7]],
  ["other columns", 'note,a,got,b\n"one, two",1,,2\n', [1, 2]],
  ["names in capitals", "A,B,Sum\n1,2,3\n", [1, 2]],
  ["no line end at the end", "a,b\n1,2", [1, 2]],
  ["Windows line ends", "a,b\r\n1,2\r\n3,4\r\n", [1, 2, 3, 4]],
  ["old Macintosh line ends", "a,b\r1,2\r3,4\r", [1, 2, 3, 4]],
  ["a byte order mark", "\uFEFFa,b\n1,2\n", [1, 2]],
  ["a byte order mark before a quote", '\uFEFF"a","b"\n1,2\n', [1, 2]],
  ["quotes", '"a","b","sum"\n"1","2","3"\n', [1, 2]],
  ["spaces and tabs", ' a , b \n 1\t,\t2 \n " 3 " , 4\n', [1, 2, 3, 4]],
  ["blank lines", "\n\na,b\n\n1,2\n  \n\n3,4\n\n", [1, 2, 3, 4]],
  ["leading zeros", "a,b\n0000000001,000000000000002\n", [1, 2]],
  ["the largest operands", "a,b,sum\n9999999999,9999999999,19999999998\n", [9999999999, 9999999999]],
  ["semicolons", "a;b;sum\r\n1;2;3\r\n", [1, 2]],
  ["tabs", "a\tb\n 1\t2 \n", [1, 2]],
  ["bars", "a|b\n1|2\n", [1, 2]],
  ["quotes between semicolons", '"note";"a";"b"\n"x;y,z";"1";"2"\n', [1, 2]],
  ["a comma in a column between semicolons", "note, more;b;a\n1,5;2;1\n", [1, 2]],
  ["Excel's line of a separator", "sep=;\na;b\n1;2\n", [1, 2]],
  ["a line of a separator behind a byte order mark, in quotes", '\uFEFF"sep=\t"\r\na\tb\r\n1\t2\r\n', [1, 2]],
  ["a separator of another alphabet", "sep=、\na、b\n1、2\n", [1, 2]],
  ["spaces as separators", "sep= \na b\n1 2\n", [1, 2]],
  ["a separator that only its line names", "sep=/\na/b\n1/2\n", [1, 2]],
  ["a line end and a quote within quotes", 'a,note,b\n1,"says ""two""\r\nand more",2\n3,,4\n', [1, 2, 3, 4]],
];
for (const [what, text, operands] of READ) {
  Deno.test(`parseCases() reads ${what}`, () => {
    assertEquals(parseCases(text), Float64Array.from(operands));
  });
}

const operandOf = (name: string, line: number, value: string) =>
  `${name} in line ${line} must be a whole number from 0 to 9999999999: current value is ${value}`;
const REFUSED: [what: string, text: string, message: string][] = [
  ["an empty file", "", "its first line must name the columns a and b: it is empty"],
  ["blank lines alone", "\n \n", "its first line must name the columns a and b: it is empty"],
  ["no header", "1,2\n", 'its first line must name the columns a and b, each once: current value is "1,2"'],
  ["a separator that is none of ours", "a/b\n1/2\n", 'current value is "a/b"'],
  ["two separators", "a;b\n1,2\n", "line 2 must have 2 values, as the header has: current number is 1"],
  ["decimal commas", "a;b\n1,5;2\n", operandOf("a", 2, '"1,5"')],
  ["thousands in quotes", 'a,b\n"1,234",2\n', `${operandOf("a", 2, '"1,234"')}. Write it without thousands separators`],
  ["thousands with points", "a;b\n1;1.234.567\n", `"1.234.567". Write it without thousands separators`],
  ["thousands with spaces", "a\tb\n1\u202f234\t2\n", `"1\u202f234". Write it without thousands separators`],
  ["a bad line after the line of a separator", "sep=;\na;b\n1;2\nx;2\n", operandOf("a", 4, '"x"')],
  ["a line of a separator alone", "sep=;\n", "it is empty"],
  ["a missing column", "a,sum\n1,2\n", 'current value is "a,sum"'],
  ["a column twice", "a,b,b\n1,2,2\n", 'current value is "a,b,b"'],
  ["a header alone", "a,b\n", "it must hold at least one problem below its header: there is none"],
  ["a value too few", "a,b\n1,2\n3\n", "line 3 must have 2 values, as the header has: current number is 1"],
  ["a value too many", "a,b\n1,2,\n", "line 2 must have 2 values, as the header has: current number is 3"],
  ["an empty value", "a,b\n1,2\n,\n", operandOf("a", 3, '""')],
  ["a negative operand", "a,b\n1,2\n\n3,-4\n", operandOf("b", 4, '"-4"')],
  ["a fraction", "a,b\n1.5,2\n", operandOf("a", 2, '"1.5"')],
  ["an exponent", "a,b\n1e3,2\n", operandOf("a", 2, '"1e3"')],
  ["hexadecimal", "a,b\n0x10,2\n", operandOf("a", 2, '"0x10"')],
  ["other digits", "a,b\n١,2\n", operandOf("a", 2, '"١"')],
  ["eleven digits", "a,b\n1,10000000000\n", operandOf("b", 2, '"10000000000"')],
  ["hundreds of digits", `a,b\n1,${"9".repeat(400)}\n`, operandOf("b", 2, `"${"9".repeat(40)}…"`)],
  ["words", "a,b\none,2\n", operandOf("a", 2, '"one"')],
  ["a wrong sum", "a,b,sum\n1,2,3\n2,2,5\n", 'sum in line 3 must be 2 + 2 = 4: current value is "5"'],
  ["a sum that is missing", "a,b,sum\n1,2,\n", 'sum in line 2 must be 1 + 2 = 3: current value is ""'],
  ["an open quote", 'a,b\n1,2\n"3,4\n', "a value that begins with a quote must end with one: that in line 3 does not"],
  [
    "text after a quote",
    'a,b\n"1"2,3\n',
    "a value that begins with a quote must end with one: that in line 2 does not",
  ],
  ["a bad line after a value of two lines", 'note,a,b\n"\n",1,2\n,x,2\n', operandOf("a", 4, '"x"')],
];
for (const [what, text, message] of REFUSED) {
  Deno.test(`parseCases() refuses ${what}`, () => {
    const error = assertThrows(() => parseCases(text, "cases.csv"), CaseFileError, message);
    assert(error.message.startsWith("Cannot read cases.csv as "), error.message);
  });
}

Deno.test("parseCases() reads the public verifier's file, whose sums are right", async () => {
  const text = await Deno.readTextFile(new URL("../golden/adderboard_2025.csv", import.meta.url));
  assertEquals(parseCases(text).length, 2 * 10_010);
});

Deno.test("parseCases() reads a long open quote without running out of stack", () => {
  assertThrows(() => parseCases(`a,b\n"${"1\n".repeat(2_000_000)}`), CaseFileError, "that in line 2 does not");
});
