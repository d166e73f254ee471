import { NotPrepared } from '../contract.ts';

/** The cluster refused, or did not answer. */
export class ClusterError extends Error {
	/** Of its answer; null: there was none. */
	readonly status: number | null;

	constructor(message: string, status: number | null) {
		super(message);
		this.status = status;
	}

	/** It may well answer later: it is away, overloaded, or does not know the agent just now. */
	get away(): boolean {
		return this.status === null || this.status === 401 || this.status === 429 || this.status >= 500;
	}
}

/** What keeps a run from being carried out, as the hub shows it. Other errors are thrown on. */
export function asNotPrepared(error: unknown): NotPrepared {
	if (error instanceof NotPrepared) return error;
	if (!(error instanceof ClusterError)) throw error;
	if (error.status === 401)
		return new NotPrepared(`the cluster does not know the agent: ${error.message}`, 'cluster_unavailable');
	return error.away
		? new NotPrepared(`the cluster does not answer: ${error.message}`, 'cluster_unavailable')
		: new NotPrepared(`the cluster refuses: ${error.message}`, 'cluster_refused');
}

export function unlessAway(error: unknown): null {
	if (error instanceof ClusterError && error.away) return null;
	throw error;
}

export function unlessMissing(error: unknown): null {
	if (error instanceof ClusterError && error.status === 404) return null;
	throw error;
}
