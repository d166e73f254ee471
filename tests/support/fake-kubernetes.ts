// What Kubernetes documents of its API, as far as an agent uses it, over real TLS with tokens or client certificates: Jobs (suspended,
// resumed, deleted with what is theirs, ended by their deadline), Pods with watches that expire, their logs, Secrets, Events, and the
// rights of a role. One node carries the pods out.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { CoreV1Event, V1Job, V1ObjectMeta, V1Pod, V1Secret } from '@kubernetes/client-node';
import { Authority } from './certificates.ts';
import { type Image, PodOnNode } from './fake-kubelet.ts';

type Kind = 'jobs' | 'pods' | 'secrets' | 'events';
interface Kept {
	metadata?: V1ObjectMeta;
}
interface Change {
	version: number;
	type: 'ADDED' | 'MODIFIED' | 'DELETED';
	pod: string;
	labels: Record<string, string>;
	namespace: string;
}

/** The role that docs/agent.md names. */
const ROLE = new Set([
	...['create jobs', 'get jobs', 'patch jobs', 'delete jobs', 'list pods', 'watch pods', 'delete pods', 'get pods/log'],
	...['create secrets', 'delete secrets', 'list events'],
]);

export class Kubernetes {
	static readonly namespace = 'runs';
	readonly token = `token-canary-${randomUUID()}`;
	readonly images = new Map<string, Image>([
		['registry.test/tool:1', { uid: 1000 }],
		['registry.test/root:1', { uid: 0 }],
	]);
	/** `VERB resource` of every request, in order. */
	readonly asked: string[] = [];
	readonly role = new Set(ROLE);
	/** Why no pod is made; null: they are. */
	quota: string | null = null;
	/** In the scheduler's words, why no node takes a pod; null: one does. */
	unschedulable: string | null = null;
	/** No image arrives before it resolves. */
	held: Promise<void> | null = null;
	readonly #authority = new Authority();
	readonly #objects: Record<Kind, Map<string, Kept>> = {
		jobs: new Map(),
		pods: new Map(),
		secrets: new Map(),
		events: new Map(),
	};
	readonly #nodes = new Map<string, PodOnNode>();
	readonly #deadlines = new Map<string, NodeJS.Timeout>();
	readonly #sockets = new Set<Duplex>();
	readonly #logs = new Set<ServerResponse>();
	readonly #watches = new Set<(change: Change | null) => void>();
	#server: Server;
	#port = 0;
	#version = 1000;
	#changes: Change[] = [];
	#forgotten = 0;

	private constructor() {
		this.#server = this.#made();
	}

	static async start(): Promise<Kubernetes> {
		const cluster = new Kubernetes();
		await cluster.back();
		return cluster;
	}

	get address(): string {
		return `https://127.0.0.1:${String(this.#port)}`;
	}

	/** As an operator keeps it, whole; by token, or by a client's certificate. */
	kubeconfig(by: 'token' | 'certificate' = 'token', over: { cluster?: object; user?: object } = {}): string {
		const { ca, key, cert } = { ca: this.#authority.pem, ...this.#authority.issue('DNS:agent') };
		const user =
			by === 'token'
				? { token: this.token }
				: { 'client-certificate-data': cert.toString('base64'), 'client-key-data': key.toString('base64') };
		return JSON.stringify({
			apiVersion: 'v1',
			kind: 'Config',
			'current-context': 'here',
			contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
			clusters: [
				{
					name: 'c',
					cluster: { server: this.address, 'certificate-authority-data': ca.toString('base64'), ...over.cluster },
				},
			],
			users: [{ name: 'u', user: { ...user, ...over.user } }],
		});
	}

	/** Gone, with every connection; what runs goes on. */
	async away(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, 'close');
	}

	async back(): Promise<void> {
		this.#server = this.#made();
		this.#server.listen(this.#port, '127.0.0.1');
		await once(this.#server, 'listening');
		this.#port = (this.#server.address() as AddressInfo).port;
	}

	async stop(): Promise<void> {
		for (const timer of this.#deadlines.values()) clearTimeout(timer);
		await Promise.all([...this.#nodes.values()].map((node) => node.kill(0)));
		await this.away();
		this.#authority.remove();
	}

	/** What there is of a kind. */
	all(kind: 'jobs'): V1Job[];
	all(kind: 'pods'): V1Pod[];
	all(kind: 'secrets'): V1Secret[];
	all(kind: 'jobs' | 'pods' | 'secrets'): Kept[] {
		return [...this.#objects[kind].values()];
	}

	/** Of the one pod there is. */
	get node(): PodOnNode {
		const [node] = this.#nodes.values();
		if (!node) throw new Error('there is no pod');
		return node;
	}

	/** Ends every answer that is a log, as a proxy does after a while; or breaks it off. */
	cutLogs(how: 'end' | 'break'): void {
		for (const response of this.#logs) {
			if (how === 'end') response.end();
			else response.destroy();
		}
	}

	/** Tells every watch that it is too old, and forgets what was. */
	expireWatches(): void {
		this.#changes = [];
		this.#forgotten = this.#version;
		for (const watch of this.#watches) watch(null);
	}

	async evict(pod: V1Pod): Promise<void> {
		const name = pod.metadata?.name ?? '';
		pod.status = {
			...pod.status,
			phase: 'Failed',
			reason: 'Evicted',
			message: 'The node was low on resource: memory.',
		};
		await this.#nodes.get(name)?.kill(0);
		this.#podChanged(pod);
	}

	/** As `kubectl delete`. */
	deletePodNow(pod: V1Pod): void {
		this.#deletePod(pod, 1);
	}

	#made(): Server {
		const tls = { ...this.#authority.issue('IP:127.0.0.1'), ca: this.#authority.pem };
		const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
		server.on('request', (request, response) => void this.#answer(request, response));
		server.on('connection', (socket) => {
			this.#sockets.add(socket);
			socket.on('close', () => this.#sockets.delete(socket));
		});
		return server;
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const url = new URL(request.url ?? '', this.address);
		const parts: Buffer[] = [];
		for await (const part of request) parts.push(part as Buffer);
		const send = (code: number, body: object) => {
			response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
		};
		const refuse = (code: number, reason: string, message: string) => {
			send(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code });
		};
		const socket = request.socket as TLSSocket;
		if (request.headers.authorization !== `Bearer ${this.token}` && !socket.authorized) {
			refuse(401, 'Unauthorized', 'Unauthorized');
			return;
		}
		const [, , namespace = '', found = '', name, log] =
			/^\/(api\/v1|apis\/batch\/v1)\/namespaces\/([^/]+)\/(jobs|pods|secrets|events)(?:\/([^/]+)(\/log)?)?$/.exec(
				url.pathname,
			) ?? [];
		const kind = found as Kind;
		const { searchParams: query } = url;
		const verb =
			{ POST: 'create', PATCH: 'patch', DELETE: 'delete' }[request.method ?? ''] ??
			(name !== undefined ? 'get' : query.get('watch') === 'true' ? 'watch' : 'list');
		const right = `${verb} ${found}${log ?? ''}`;
		this.asked.push(right);
		if (!this.role.has(right) || namespace !== Kubernetes.namespace) {
			refuse(
				403,
				'Forbidden',
				`${found} is forbidden: User "agent" cannot ${verb} resource "${found}" in "${namespace}"`,
			);
			return;
		}
		const body: unknown = parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : {};
		const kept = name === undefined ? undefined : this.#objects[kind].get(name);
		if (name !== undefined && !kept) {
			refuse(404, 'NotFound', `${found} "${name}" not found`);
			return;
		}
		if (verb === 'list') {
			const items = [...this.#objects[kind].values()].filter(chosen(kind, query));
			send(200, { kind: 'List', metadata: { resourceVersion: String(this.#version) }, items });
		} else if (verb === 'watch') this.#watch(query, response);
		else if (log !== undefined) this.#log(kept as V1Pod, query, response, refuse);
		else if (verb === 'get') send(200, kept ?? {});
		else if (verb === 'create') {
			const made = body as V1Job & V1Secret;
			const named = made.metadata?.name ?? '';
			const wrong = kind === 'jobs' ? wrongIn(made) : null;
			if (wrong !== null) refuse(422, 'Invalid', `Job.batch "${named}" is invalid: ${wrong}`);
			else if (this.#objects[kind].has(named)) refuse(409, 'AlreadyExists', `${found} "${named}" already exists`);
			else {
				this.#stamp(made, namespace);
				if (query.get('dryRun') === null) this.#objects[kind].set(named, made);
				send(201, made);
			}
		} else if (verb === 'patch') {
			const job = kept as V1Job;
			const { metadata, spec } = body as V1Job;
			if (metadata?.uid !== job.metadata?.uid) {
				refuse(409, 'Conflict', 'Precondition failed: UID in precondition does not match');
				return;
			}
			job.spec = { ...job.spec, ...spec } as V1Job['spec'] & object;
			send(200, job);
			this.#syncJob(job);
		} else {
			send(200, { kind: 'Status', status: 'Success' });
			if (kind === 'secrets') this.#objects.secrets.delete(name ?? '');
			if (kind === 'pods')
				this.#deletePod(kept as V1Pod, (body as { gracePeriodSeconds?: number }).gracePeriodSeconds ?? 30);
			if (kind === 'jobs') void this.#deleteJob(kept as V1Job);
		}
	}

	#stamp(object: Kept, namespace: string): void {
		object.metadata = {
			...object.metadata,
			namespace,
			uid: randomUUID(),
			creationTimestamp: new Date(),
			resourceVersion: String(++this.#version),
		};
	}

	/** The Job's controller: a pod where there is to be one. */
	#syncJob(job: V1Job): void {
		const { metadata, spec } = job;
		const name = metadata?.name ?? '';
		if (spec?.suspend || metadata?.deletionTimestamp || job.status?.conditions?.length || this.#podOf(job)) return;
		if (this.quota !== null) {
			const event: CoreV1Event = {
				metadata: {},
				involvedObject: { kind: 'Job', name, uid: metadata?.uid ?? '' },
				type: 'Warning',
				reason: 'FailedCreate',
				message: `Error creating: pods "${name}-x7k2p" is forbidden: ${this.quota}`,
			};
			this.#stamp(event, Kubernetes.namespace);
			this.#objects.events.set(randomUUID(), event);
			return;
		}
		const pod: V1Pod = {
			apiVersion: 'v1',
			kind: 'Pod',
			metadata: { ...spec?.template.metadata, name: `${name}-${randomUUID().slice(0, 5)}` },
			...(spec?.template.spec && { spec: structuredClone(spec.template.spec) }),
			status: { phase: 'Pending' },
		};
		this.#stamp(pod, Kubernetes.namespace);
		pod.metadata = {
			...pod.metadata,
			ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: metadata?.uid ?? '' }],
		};
		this.#objects.pods.set(pod.metadata.name ?? '', pod);
		this.#podChanged(pod, 'ADDED');
		this.#deadlines.set(
			name,
			setTimeout(() => void this.#late(job), (spec?.activeDeadlineSeconds ?? 1e6) * 1000),
		);
		if (this.unschedulable !== null) {
			const message = this.unschedulable;
			pod.status = {
				phase: 'Pending',
				conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
			};
			this.#podChanged(pod);
			return;
		}
		const behind = {
			changed: (of: V1Pod) => {
				this.#podChanged(of);
			},
			secret: (_: string, secret: string) => this.#objects.secrets.get(secret),
			images: this.images,
			held: this.held,
		};
		this.#nodes.set(pod.metadata.name ?? '', new PodOnNode(pod, behind));
	}

	async #late(job: V1Job): Promise<void> {
		const condition = {
			status: 'True',
			reason: 'DeadlineExceeded',
			message: 'Job was active longer than specified deadline',
		};
		if (job.status?.conditions?.length) return;
		job.status = { conditions: [{ type: 'FailureTarget', ...condition }] };
		const pod = this.#podOf(job);
		if (pod) await this.#deletePod(pod, pod.spec?.terminationGracePeriodSeconds ?? 30);
		job.status = { conditions: [{ type: 'Failed', ...condition }] };
	}

	#podOf(job: V1Job): V1Pod | undefined {
		return this.all('pods').find(({ metadata }) => metadata?.ownerReferences?.[0]?.uid === job.metadata?.uid);
	}

	#podChanged(pod: V1Pod, type: Change['type'] = 'MODIFIED'): void {
		const { metadata } = pod;
		if (!this.#objects.pods.has(metadata?.name ?? '') && type !== 'DELETED') return;
		const version = ++this.#version;
		if (metadata) metadata.resourceVersion = String(version);
		const change: Change = {
			version,
			type,
			pod: JSON.stringify(pod),
			labels: metadata?.labels ?? {},
			namespace: metadata?.namespace ?? '',
		};
		this.#changes.push(change);
		for (const watch of this.#watches) watch(change);
		const job = this.all('jobs').find(({ metadata: of }) => of?.uid === metadata?.ownerReferences?.[0]?.uid);
		const { phase } = pod.status ?? {};
		if (!job || job.status?.conditions?.length || (phase !== 'Failed' && phase !== 'Succeeded')) return;
		clearTimeout(this.#deadlines.get(job.metadata?.name ?? ''));
		job.status =
			phase === 'Succeeded'
				? { conditions: [{ type: 'Complete', status: 'True' }] }
				: {
						conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has failed' }],
					};
	}

	async #deletePod(pod: V1Pod, grace_s: number): Promise<void> {
		const name = pod.metadata?.name ?? '';
		pod.metadata = { ...pod.metadata, deletionTimestamp: new Date() };
		this.#podChanged(pod);
		await this.#nodes.get(name)?.kill(grace_s);
		if (!this.#objects.pods.delete(name)) return;
		this.#nodes.delete(name);
		this.#podChanged(pod, 'DELETED');
	}

	/** First what is the Job's, then the Job. */
	async #deleteJob(job: V1Job): Promise<void> {
		const name = job.metadata?.name ?? '';
		clearTimeout(this.#deadlines.get(name));
		job.metadata = { ...job.metadata, deletionTimestamp: new Date() };
		const pod = this.#podOf(job);
		if (pod) await this.#deletePod(pod, pod.spec?.terminationGracePeriodSeconds ?? 30);
		this.#objects.jobs.delete(name);
		for (const { metadata } of this.all('secrets'))
			if (metadata?.ownerReferences?.[0]?.uid === job.metadata.uid) this.#objects.secrets.delete(metadata?.name ?? '');
	}

	#watch(query: URLSearchParams, response: ServerResponse): void {
		const from = Number(query.get('resourceVersion'));
		const tell = (type: string, object: string) => response.write(`{"type":"${type}","object":${object}}\n`);
		const gone = () => {
			tell(
				'ERROR',
				JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }),
			);
			response.end();
		};
		response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
		if (from < this.#forgotten) {
			gone();
			return;
		}
		const wanted = chosen('pods', query);
		const watch = (change: Change | null) => {
			if (!change) gone();
			else if (change.version > from && wanted({ metadata: { labels: change.labels } })) tell(change.type, change.pod);
		};
		for (const change of this.#changes) watch(change);
		this.#watches.add(watch);
		response.on('close', () => this.#watches.delete(watch));
	}

	#log(
		pod: V1Pod,
		query: URLSearchParams,
		response: ServerResponse,
		refuse: (code: number, reason: string, message: string) => void,
	): void {
		const name = query.get('container') ?? '';
		const log = this.#nodes.get(pod.metadata?.name ?? '')?.logs.get(name);
		if (!log) {
			refuse(400, 'BadRequest', `container "${name}" in pod is waiting to start: PodInitializing`);
			return;
		}
		const since = Date.parse(query.get('sinceTime') ?? '1970-01-01T00:00:00Z') / 1000;
		let sent = 0;
		response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
		const more = () => {
			// Cut, though its end is not out yet; or more than the other side has read.
			if (response.writableEnded || response.writableNeedDrain) return;
			const bytes = log.from(sent, since);
			sent = log.length;
			if (bytes.length > 0) response.write(bytes);
			if (log.ended && sent === log.length) response.end();
		};
		const deaf = log.listen(more);
		this.#logs.add(response);
		response.on('drain', more);
		response.on('close', () => {
			deaf();
			this.#logs.delete(response);
		});
		more();
	}
}

/** By labels or by fields, as a query asks. */
function chosen(kind: Kind, query: URLSearchParams): (object: Kept) => boolean {
	const pairs = (name: string) =>
		(query.get(name) ?? '').split(',').flatMap((one) => (one === '' ? [] : [one.split('=') as [string, string]]));
	const labels = pairs('labelSelector');
	const uid =
		kind === 'events' ? pairs('fieldSelector').find(([field]) => field === 'involvedObject.uid')?.[1] : undefined;
	return (object) =>
		labels.every(([label, value]) => object.metadata?.labels?.[label] === value) &&
		(uid === undefined || (object as CoreV1Event).involvedObject.uid === uid);
}

/** What a cluster would not take; null: nothing. */
function wrongIn({ metadata, spec }: V1Job): string | null {
	const template = spec?.template.spec;
	const containers = [...(template?.initContainers ?? []), ...(template?.containers ?? [])];
	if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(metadata?.name ?? '')) return 'metadata.name: not a name';
	if (template?.restartPolicy !== 'Never') return 'spec.template.spec.restartPolicy: Unsupported value';
	for (const { resources } of containers)
		if (
			Number.parseInt(resources?.requests?.['memory'] ?? '0') > Number.parseInt(resources?.limits?.['memory'] ?? '1e9')
		)
			return 'spec.template.spec.containers[0].resources.requests: must be less than or equal to memory limit';
	return null;
}
