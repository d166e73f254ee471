import { NotPrepared } from '../contract.ts';
import { EngineError } from './engine.ts';

/** What keeps a run from being carried out, as the hub shows it. Other errors are thrown on. */
export function asNotPrepared(error: unknown): NotPrepared {
	if (error instanceof NotPrepared) return error;
	if (!(error instanceof EngineError)) throw error;
	return error.status === null
		? new NotPrepared(`the engine does not answer: ${error.message}`, 'engine_unavailable')
		: new NotPrepared(`the engine refuses: ${error.message}`);
}
