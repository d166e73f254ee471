import { homeAt, readConfig } from '../config.ts';
import { holders } from '../lock.ts';
import { readStatus } from '../status.ts';
import { kindName } from '../transport/contract.ts';

/** Says whether the agent of a home runs, and what it does. Exit code 3 when it does not run, as service tools expect. */
export async function status(options: { home?: string | undefined }): Promise<number> {
	const home = homeAt(options.home);
	const config = await readConfig(home);
	console.log(`agent ${String(config.agent_id)} (${config.name}) of ${config.hub}, home ${home.dir}`);
	const [pid] = holders(home.dir);
	if (pid === undefined) {
		console.log('It is not running.');
		return 3;
	}
	const told = await readStatus(home);
	if (told?.pid !== pid) {
		console.log(`It is starting (process ${String(pid)}).`);
		return 0;
	}
	const how = told.connected ? `connected by ${kindName[told.connected]}` : 'not connected';
	console.log(`It runs (process ${String(pid)}) and is ${how}, as of ${told.since}.`);
	for (const run of told.runs) console.log(`  run ${String(run.run_id)}, offer ${String(run.epoch)}: ${run.phase}`);
	return 0;
}
