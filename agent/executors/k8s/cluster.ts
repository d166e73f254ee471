import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { V1Job, V1Secret } from '@kubernetes/client-node';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { z } from 'zod';
import { parseJson } from '../../config.ts';
import { codeOf, messageOf } from '../../failure.ts';
import { Events, Job, Pod, Pods, Status, Watched } from './answers.ts';
import { ClusterError, unlessMissing } from './failure.ts';
import type { Access } from './kubeconfig.ts';

/** How long the cluster may take for what it does at once, and for the beginning of what lasts. */
const ANSWER_MS = 30_000;
const ANSWER_MAX = 16 * 1_048_576;
/** The longest line of a watch: one object, with all that others have put into it. */
const LINE_MAX = 4 * 1_048_576;
/** A watch is begun anew after this long by the cluster, and a little later by the agent: one that is dead says nothing. */
const WATCH_S = 240;

interface Call {
	query?: Record<string, string>;
	body?: object;
	type?: string;
	/** Of what lasts; left out, all of the answer must be there in time. */
	stopped?: AbortSignal;
}

/**
 * The API of a cluster: the calls a run needs, each answer parsed. Throws `ClusterError` and nothing else. The library knows how to get
 * in; its own calls are not used, for each makes a connection of its own, and a log that breaks off would not be noticed.
 */
export class Cluster {
	readonly #server: string;
	readonly #config = new KubeConfig();

	constructor({ cluster, user }: Access) {
		this.#server = cluster.server;
		this.#config.loadFromClusterAndUser(cluster, user);
	}

	/** As it would be made, and is not. */
	async tryJob(namespace: string, job: V1Job): Promise<void> {
		await this.#ask(Job, 'POST', jobs(namespace), { query: { dryRun: 'All' }, body: job });
	}

	async createJob(namespace: string, job: V1Job): Promise<Job> {
		return this.#ask(Job, 'POST', jobs(namespace), { body: job });
	}

	/** Null: there is none. */
	job(namespace: string, name: string): Promise<Job | null> {
		return this.#ask(Job, 'GET', `${jobs(namespace)}/${name}`).catch(unlessMissing);
	}

	/** From now on its pod may come to be. */
	async resumeJob(namespace: string, { metadata: { name, uid } }: Job): Promise<void> {
		const body = { metadata: { uid }, spec: { suspend: false } };
		await this.#ask(Job, 'PATCH', `${jobs(namespace)}/${name}`, { body, type: 'application/merge-patch+json' });
	}

	/** With all that belongs to it, and gone when that is. */
	async deleteJob(namespace: string, name: string): Promise<void> {
		const body = { propagationPolicy: 'Foreground' };
		await this.#ask(Status, 'DELETE', `${jobs(namespace)}/${name}`, { body }).catch(unlessMissing);
	}

	async createSecret(namespace: string, secret: V1Secret): Promise<void> {
		await this.#ask(Status, 'POST', core(namespace, 'secrets'), { body: secret });
	}

	async deleteSecret(namespace: string, name: string): Promise<void> {
		await this.#ask(Status, 'DELETE', `${core(namespace, 'secrets')}/${name}`).catch(unlessMissing);
	}

	/** Pods with a label, and the state of the cluster that a watch goes on from. */
	async pods(namespace: string, labelSelector: string): Promise<{ pods: Pod[]; version: string }> {
		const { items, metadata } = await this.#ask(Pods, 'GET', core(namespace, 'pods'), {
			query: { labelSelector, limit: '100' },
		});
		return { pods: items, version: metadata.resourceVersion };
	}

	/** What becomes of such pods from a state on. Ends when the cluster ends it, or has forgotten that state. */
	async *watchPods(
		namespace: string,
		labelSelector: string,
		version: string,
		stopped: AbortSignal,
	): AsyncGenerator<{ pod: Pod; gone: boolean }> {
		const late = AbortSignal.timeout((WATCH_S + 30) * 1000);
		const answer = await this.#read('GET', core(namespace, 'pods'), {
			query: { labelSelector, watch: 'true', resourceVersion: version, timeoutSeconds: String(WATCH_S) },
			stopped: AbortSignal.any([stopped, late]),
		});
		for await (const line of linesOf(answer)) {
			const event = Watched.safeParse(parseJson(line)).data;
			const pod = Pod.safeParse(event?.object).data;
			if (!event || !pod) return;
			yield { pod, gone: event.type === 'DELETED' };
		}
	}

	/** At once only where that is what `grace_s` says; the cluster has the node's word that it ended. */
	async deletePod(namespace: string, name: string, grace_s: number): Promise<void> {
		const body = { gracePeriodSeconds: Math.max(1, grace_s) };
		await this.#ask(Status, 'DELETE', `${core(namespace, 'pods')}/${name}`, { body }).catch(unlessMissing);
	}

	/** What a container said, line by line with the time of each, from a second on, and on until its end. */
	log(
		namespace: string,
		pod: string,
		container: string,
		since: string | null,
		stopped: AbortSignal,
	): Promise<AsyncIterable<Buffer>> {
		const query = { container, follow: 'true', timestamps: 'true', ...(since !== null && { sinceTime: since }) };
		return this.#read('GET', `${core(namespace, 'pods')}/${pod}/log`, { query, stopped });
	}

	/** What there is to complain about an object. Nothing where the agent may not see that. */
	async complaints(namespace: string, uid: string): Promise<{ reason: string; message: string }[]> {
		const query = { fieldSelector: `involvedObject.uid=${uid},type=Warning`, limit: '50' };
		const { items } = await this.#ask(Events, 'GET', core(namespace, 'events'), { query }).catch((error: unknown) => {
			if (error instanceof ClusterError && error.status === 403) return { items: [] };
			throw error;
		});
		return items.map(({ reason, message }) => ({ reason: reason ?? '', message: message ?? '' }));
	}

	async #ask<T>(schema: z.ZodType<T>, method: string, path: string, call: Call = {}): Promise<T> {
		const parts: Buffer[] = [];
		let length = 0;
		for await (const part of await this.#read(method, path, { ...call, stopped: AbortSignal.timeout(ANSWER_MS) })) {
			parts.push(part);
			length += part.length;
			if (length > ANSWER_MAX) throw new ClusterError('it answers more than any cluster has to say', null);
		}
		const answer = schema.safeParse(parseJson(Buffer.concat(parts).toString()));
		if (!answer.success) throw new ClusterError('it answers as no cluster does', null);
		return answer.data;
	}

	/** Resolves when the answer begins; what goes wrong later comes while it is read. */
	async #read(method: string, path: string, call: Call): Promise<AsyncIterable<Buffer>> {
		try {
			const answer = await this.#dial(method, path, call);
			const status = answer.statusCode ?? 0;
			if (status >= 300) throw await refusalOf(answer, status);
			return readOf(answer);
		} catch (error) {
			throw said(error);
		}
	}

	async #dial(method: string, path: string, { query, body, type, stopped }: Call): Promise<IncomingMessage> {
		const sent = body && JSON.stringify(body);
		const options: RequestOptions = {
			method,
			headers: {
				accept: 'application/json',
				...(sent !== undefined && {
					'content-type': type ?? 'application/json',
					'content-length': Buffer.byteLength(sent),
				}),
			},
			...(stopped && { signal: stopped }),
		};
		await this.#config.applyToHTTPSOptions(options);
		const url = new URL(`${this.#server}${path}`);
		url.search = new URLSearchParams(query).toString();
		return new Promise((resolve, reject) => {
			const asked = request(url, options, resolve);
			asked.on('error', reject);
			// A connection that nobody answers on is dead; once the answer has begun, a log may be silent for hours.
			const late = setTimeout(() => asked.destroy(new ClusterError('it does not answer in time', null)), ANSWER_MS);
			asked.on('response', ({ socket }) => {
				clearTimeout(late);
				socket.setKeepAlive(true, ANSWER_MS);
			});
			asked.on('close', () => {
				clearTimeout(late);
			});
			asked.end(sent);
		});
	}
}

const core = (namespace: string, kind: string): string => `/api/v1/namespaces/${namespace}/${kind}`;
const jobs = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;

async function* readOf(answer: IncomingMessage): AsyncGenerator<Buffer> {
	try {
		for await (const part of answer) yield Buffer.from(part);
	} catch (error) {
		throw said(error);
	}
}

async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
	let parts: Buffer[] = [];
	let length = 0;
	for await (let part of bytes) {
		for (let end = part.indexOf(0x0a); end !== -1; end = part.indexOf(0x0a)) {
			yield Buffer.concat([...parts, part.subarray(0, end)]).toString();
			part = part.subarray(end + 1);
			parts = [];
			length = 0;
		}
		parts.push(part);
		length += part.length;
		if (length > LINE_MAX) throw new ClusterError('it tells more of a pod than there is', null);
	}
}

/** In the cluster's own words. */
async function refusalOf(answer: IncomingMessage, status: number): Promise<ClusterError> {
	let text = '';
	for await (const part of answer) if (text.length < 65_536) text += String(part);
	return new ClusterError(Status.safeParse(parseJson(text)).data?.message ?? `HTTP ${String(status)}`, status);
}

function said(error: unknown): ClusterError {
	if (error instanceof ClusterError) return error;
	const code = codeOf(error);
	return new ClusterError(whyNoAnswer[code] ?? (code || messageOf(error)), null);
}

const whyNoAnswer: Record<string, string> = {
	ECONNREFUSED: 'nobody listens at its address',
	ECONNRESET: 'it went away',
	ENOTFOUND: 'there is no host of its name',
	ETIMEDOUT: 'it does not answer in time',
	ABORT_ERR: 'it did not answer in time',
	CERT_HAS_EXPIRED: 'its certificate has expired',
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not of the authority in the kubeconfig',
	SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not of the authority in the kubeconfig',
	DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not of the authority in the kubeconfig',
	ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another name',
};
