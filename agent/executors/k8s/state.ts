import type { Exit } from '../contract.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { ContainerStatus, Job, Pod } from './answers.ts';
import { containerName } from './manifest.ts';

// What the state of a pod or a Job means for its run. Pure.

export const failed = (code: Reason['code'], message: string, exit_code: number | null = null): Exit => ({
	kind: 'failed',
	reason: { code, message: message.slice(0, 500) },
	code: exit_code,
});

export const stepIn = ({ status }: Pod, n: number): ContainerStatus | null =>
	[...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find(
		({ name }) => name === containerName(n),
	) ?? null;

export const isOver = ({ status: { phase } }: Pod): boolean => phase === 'Succeeded' || phase === 'Failed';

/** A step has a program, or had one. */
export function hasBegun(pod: Pod, n: number): boolean {
	const state = stepIn(pod, n)?.state;
	return Boolean(state?.running) || Boolean(state?.terminated);
}

/** By what it holds, where the cluster says so. */
export function imageIn(pod: Pod, n: number, asked: string): string {
	const digest = /sha256:[0-9a-f]{64}/.exec(stepIn(pod, n)?.imageID ?? '')?.[0];
	return digest === undefined ? asked : `${asked.split('@')[0] ?? ''}@${digest}`;
}

const notPulled = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'RegistryUnavailable']);
const neverStarts = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** Why a step that waits will go on waiting; null: it may yet begin. */
export function whyWaiting(pod: Pod, n: number): Exit | null {
	const { reason, message } = stepIn(pod, n)?.state?.waiting ?? {};
	const words = message ?? reason ?? '';
	if (reason === 'ErrImageNeverPull')
		return failed('image_missing', `The cluster's nodes have no such image: ${words}`);
	if (notPulled.has(reason ?? '')) return failed('pull_failed', `The image cannot be pulled: ${words}`);
	if (neverStarts.has(reason ?? '')) return failed('pod_failed', `The container cannot be made: ${words}`);
	return null;
}

/** In the scheduler's own words; null: it has a node. */
export const whyUnscheduled = ({ status }: Pod): string | null => {
	const scheduled = (status.conditions ?? []).find(({ type }) => type === 'PodScheduled');
	return scheduled?.status === 'False' ? (scheduled.message ?? scheduled.reason ?? 'no node') : null;
};

/** What was done to the pod as a whole: its end says nothing of what its steps did. */
export function disruption({ status }: Pod): Exit | null {
	const { reason, message } = status;
	if (reason === 'DeadlineExceeded') return failed('timeout', 'Its time in the cluster was over.');
	if (reason) return failed('pod_failed', `The cluster ended its pod, ${reason}: ${message ?? 'it does not say more'}`);
	const by = (status.conditions ?? []).find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
	return by ? failed('pod_failed', `The cluster ended its pod, ${by.reason ?? ''}: ${by.message ?? ''}`) : null;
}

/** How a step ended; null: it has not. */
export function endOf(pod: Pod, n: number): Exit | null {
	const ended = stepIn(pod, n)?.state?.terminated;
	if (!ended) return isOver(pod) ? (disruption(pod) ?? failed('pod_failed', 'Its pod ended without it.')) : null;
	const { exitCode: code, reason, message } = ended;
	if (reason === 'OOMKilled') return failed('pod_failed', 'It was killed for taking more memory than it may.', code);
	if (reason === 'StartError' || reason === 'ContainerCannotRun')
		return { kind: 'not_started', message: `it could not be started: ${message ?? reason}` };
	return code === 0 ? { kind: 'exit', code } : (disruption(pod) ?? { kind: 'exit', code });
}

/** Some are told of before the pods are gone. */
const conditionOf = (job: Job) =>
	(job.status?.conditions ?? []).find(
		({ type, status }) => (type === 'Failed' || type === 'FailureTarget') && status === 'True',
	);

/** Whether the cluster ended it for taking too long; its steps only saw a signal. */
export const wasLate = (job: Job): Exit | null =>
	conditionOf(job)?.reason === 'DeadlineExceeded' ? failed('timeout', 'Its time in the cluster was over.') : null;

/** Why there is no pod (any more); null: the Job does not say. */
export function whyWithout(job: Job): Exit | null {
	const end = conditionOf(job);
	if (!end) return null;
	return wasLate(job) ?? failed('pod_failed', `The cluster ended its Job, ${end.reason ?? ''}: ${end.message ?? ''}`);
}
