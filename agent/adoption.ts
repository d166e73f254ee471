import type { Begun } from './executors/contract.ts';
import type { Outliving, Remembered, Told } from './journal.ts';
import { Forms } from './mask.ts';
import { bootId } from './processes.ts';
import type { Agent } from './held-run.ts';
import { SecretFiles } from './secrets.ts';
import type { Spool } from './spool.ts';

/** A run of an earlier process of this agent that can be gone on with, and all that takes. */
export interface Adoptable {
	run_id: number;
	epoch: number;
	started_at: string;
	outlives: Outliving;
	began: Begun;
	/** How much of what is told again is in the spool already. */
	known: Told;
	spool: Spool;
	forms: Forms;
	secrets: SecretFiles | null;
}

/** Null where it cannot be gone on with: nothing of it outlives the agent, or it would not be told or masked as it began. */
export async function adoptable(run: Remembered, spool: Spool, agent: Agent): Promise<Adoptable | null> {
	const { run_id, epoch, started, finish, doubtful } = run;
	const outlives = started?.handle.outlives;
	if (!started || !outlives || finish || doubtful || started.handle.boot !== bootId() || !spool.whole) return null;
	if (!agent.executors[started.handle.backend]?.adopt) return null;
	const { n, at, mark = null } = started.step ?? { n: 0, at: outlives.at };
	const known = since(at, spool.told);
	// What a gap left out cannot be told from what is to come.
	if (!known || known.gaps > 0) return null;
	const secrets = outlives.secrets === null ? null : await SecretFiles.reopen(outlives.secrets);
	if (outlives.secrets !== null && !secrets) return null;
	const forms = new Forms(secrets?.values ?? []);
	const about = { run_id, epoch, started_at: started.at, outlives, began: { n, mark }, known };
	return { ...about, spool, forms, secrets: secrets?.files ?? null };
}

/** Null where there is less than there was. */
function since(then: Told, now: Told): Told | null {
	const grown = {
		stdout: now.stdout - then.stdout,
		stderr: now.stderr - then.stderr,
		records: now.records - then.records,
		gaps: now.gaps - then.gaps,
	};
	return Object.values(grown).some((n) => n < 0) ? null : grown;
}
