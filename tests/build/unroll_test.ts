import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { unroll } from "../../build/unroll.ts";

const BOUNDS = { D: 3, F: 14 };

Deno.test("unroll() writes a marked loop out, with one local per round", () => {
  const source = `let sum = 0;
for (let c = 0; c < 3; ++c) { // unroll
  const x$c = load(at, 16 * c);
  sum += x$c;
}
return sum;
`;
  assertEquals(
    unroll(source, {}),
    `let sum = 0;
  const x0 = load(at, 16 * 0);
  sum += x0;
  const x1 = load(at, 16 * 1);
  sum += x1;
  const x2 = load(at, 16 * 2);
  sum += x2;
return sum;
`,
  );
});

Deno.test("unroll() begins where the loop begins, and ends before its bound", () => {
  const source = "for (let i = 2; i < 5; ++i) { // unroll\n  f(i);\n}\n";
  assertEquals(unroll(source, {}), "  f(2);\n  f(3);\n  f(4);\n");
});

Deno.test("unroll() writes nothing for a loop of no rounds", () => {
  assertEquals(unroll("a;\nfor (let i = 3; i < D; ++i) { // unroll\n  f(i);\n}\nb;\n", BOUNDS), "a;\nb;\n");
});

Deno.test("unroll() reads a bound by its name", () => {
  assertEquals(unroll("for (let i = 0; i < D; ++i) { // unroll\n  f(i);\n}\n", BOUNDS), "  f(0);\n  f(1);\n  f(2);\n");
});

Deno.test("unroll() replaces the loop's variable as a whole word only", () => {
  const source = "for (let c = 7; c < 8; ++c) { // unroll\n  count = acc + c * cc + q$c + q_c + c;\n}\n";
  assertEquals(unroll(source, {}), "  count = acc + 7 * cc + q7 + q_c + 7;\n");
});

Deno.test("unroll() writes nested loops out, also where the inner bound is the outer variable", () => {
  const source = `for (let r = 0; r < 3; ++r) { // unroll
  begin(r);
  for (let c = 0; c < r; ++c) { // unroll
    add(m$r$c, r, c);
  }
}
`;
  assertEquals(
    unroll(source, {}),
    `  begin(0);
  begin(1);
    add(m10, 1, 0);
  begin(2);
    add(m20, 2, 0);
    add(m21, 2, 1);
`,
  );
});

Deno.test("unroll() leaves a plain loop within a marked one whole", () => {
  const source = "  for (let c = 0; c < 2; ++c) { // unroll\n    while (f(c)) {\n      g();\n    }\n  }\n";
  const round = (c: number) => `    while (f(${c})) {\n      g();\n    }\n`;
  assertEquals(unroll(source, {}), round(0) + round(1));
});

Deno.test("unroll() writes several loops out, each with its own bounds", () => {
  const loop = (bound: string) => `for (let i = 0; i < ${bound}; ++i) { // unroll\n  f(i);\n}\n`;
  assertEquals(unroll(`${loop("1")}between;\n${loop("D")}`, BOUNDS), "  f(0);\nbetween;\n  f(0);\n  f(1);\n  f(2);\n");
});

Deno.test("unroll() leaves what is not marked as it is", () => {
  const source = "for (let i = 0; i < N; ++i) {\n  // unrolled by hand\n  f(i);\n}\n";
  assertEquals(unroll(source, {}), source);
});

Deno.test("unroll() says which bound it does not know", () => {
  assertThrows(
    () => unroll("for (let i = 0; i < N; ++i) { // unroll\n  f(i);\n}\n", BOUNDS),
    SyntaxError,
    "Cannot unroll a loop as its bound must be a known constant: current value is N",
  );
});

Deno.test("unroll() says which loop has no closing brace in its column", () => {
  const error = assertThrows(
    () => unroll("  for (let i = 0; i < 2; ++i) { // unroll\n    f(i);\n    }\n", {}),
    SyntaxError,
    "Cannot unroll a loop as its closing brace is missing",
  );
  assertStringIncludes(error.message, "for (let i = 0; i < 2; ++i) {");
});

for (
  const loop of [
    "for (let i = 0; i <= 2; ++i) {",
    "for (let i = 0; i < 2; i++) {",
    "for (let i = 0; i < 2; i += 1) {",
    "for (let i = 0; j < 2; ++i) {",
    "for (let i: i32 = 0; i < 2; ++i) {",
    "while (f()) {",
  ]
) {
  Deno.test(`unroll() refuses a marked loop of another form: ${loop}`, () => {
    assertThrows(
      () => unroll(`${loop} // unroll\n  f(i);\n}\n`, {}),
      SyntaxError,
      "Cannot unroll a loop as it is not of the form `for (let c = 0; c < N; ++c) { // unroll`",
    );
  });
}

Deno.test("unroll() computes the bounds of an inner loop from the outer one", () => {
  const source = `for (let h = 0; h < 2; ++h) { // unroll
  for (let m = 4 * h; m < 4 + D * h; ++m) { // unroll
    f(x$h$m);
  }
}
`;
  assertEquals(
    unroll(source, BOUNDS),
    [0, 1, 2, 3].map((m) => `    f(x0${m});\n`).join("") + [4, 5, 6].map((m) => `    f(x1${m});\n`).join(""),
  );
});
