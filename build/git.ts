/** The lines that a git command prints about this repository. Ends the program where git fails; code 1 means that nothing was found. */
export async function gitLines(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command("git", { args, cwd: new URL("../", import.meta.url) })
    .output();
  if (code > 1) {
    console.error(`Cannot read the sources as git must list them: ${new TextDecoder().decode(stderr).trim()}`);
    Deno.exit(2);
  }
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}
