import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.ts';
import { identityOf } from './processes.ts';

const NAME = /^agent\.(\d+)\.(.+)\.lock$/;

/** The pids of the living agents that hold, or try to get, this home. Names left by dead ones are removed. */
export function holders(dir: string): number[] {
	return readdirSync(dir).flatMap((name) => {
		const match = NAME.exec(name);
		if (!match) return [];
		const pid = Number(match[1]);
		if (identityOf(pid) === `${match[1] ?? ''}.${match[2] ?? ''}`) return [pid];
		rmSync(path.join(dir, name), { force: true });
		return [];
	});
}

/**
 * One agent per home, also after a kill -9. Each contender first puts down its own name (pid and start: never used twice),
 * then looks for others: two at once may both give way, but never both go on. Only names of the dead are ever removed.
 * Answers how to give it back. Throws `Failure` when another agent lives there.
 */
export function takeLock(dir: string): () => void {
	const identity = identityOf(process.pid) ?? String(process.pid);
	const mine = path.join(dir, `agent.${identity}.lock`);
	writeFileSync(mine, '', { mode: 0o600 });
	const other = holders(dir).find((pid) => pid !== process.pid);
	if (other !== undefined) {
		rmSync(mine, { force: true });
		throw new Failure(
			`Another agent (process ${String(other)}) is using ${dir}: stop it, or give --home another directory.`,
		);
	}
	return () => {
		rmSync(mine, { force: true });
	};
}
