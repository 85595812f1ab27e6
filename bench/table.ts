import { cpus, totalmem } from 'node:os';

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number | undefined;
  readonly floor: number;
  /** Of our run, in cores: how much of its own core the load used. */
  readonly clientCores: number;
  readonly note: string;
  readonly command: string;
}

export const ratioOf = ({ ours, theirs }: Row): number | undefined =>
  theirs === undefined ? undefined : ours / theirs;

/** Whether a row's floor is reached; `undefined` when there was no peer to compare with. */
export function reached(row: Row): boolean | undefined {
  const ratio = ratioOf(row);
  return ratio === undefined ? undefined : ratio >= row.floor;
}

const number = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2));

export function markdown(rows: readonly Row[], facts: readonly string[], runLine: string): string {
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const verdict = reached(row);
    return `| ${row.name} | ${number(row.ours)} ${row.unit} | ${row.theirs === undefined ? `${row.peer}: not here` : `${number(row.theirs)} (${row.peer})`} | ${
      ratio === undefined ? '' : `${ratio.toFixed(2)} ×`
    } | ${row.floor} × ${verdict === undefined ? '' : verdict ? 'reached' : '**missed**'} | ${row.clientCores.toFixed(2)} | ${row.note} | \`${row.command}\` |`;
  });
  return `# Measured

Written by \`${runLine}\`. Server on one core, load on the other; both sides in one run, medians of the rounds. Compare ratios, not
figures: another machine, another day, other figures.

${machine()}

| what | Tailrace | peer | ratio | floor | client CPU (cores) | latency | how |
|---|---|---|---|---|---|---|---|
${lines.join('\n')}

${facts.map((fact) => `- ${fact}`).join('\n')}
`;
}

function machine(): string {
  const [first] = cpus();
  return `Machine: ${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux, Node.js ${process.version}, ${new Date().toISOString().slice(0, 10)}.`;
}
