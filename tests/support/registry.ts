// A registry of images as docs.docker.com's "HTTP API V2" has it, as far as pulls go: manifests and blobs by name and digest, with or
// without a login, over real HTTP. Engines speak to 127.0.0.0/8 without TLS.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { rootFs } from './dockerd.ts';
import { sha256 } from './specs.ts';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

interface Blob {
	type: string;
	bytes: Buffer;
}

export class Registry {
	readonly #server: Server;
	readonly #blobs = new Map<string, Blob>();
	/** By `name:tag`: the manifest's digest. */
	readonly #tags = new Map<string, string>();
	/** What a login must be; null: anyone is let in. */
	login: { username: string; password: string } | null = null;
	/** The layer that is asked for next is not sent until it resolves. */
	held: Promise<void> | null = null;
	/** Every request, in order. */
	readonly asked: string[] = [];

	private constructor() {
		this.#server = createServer((request, response) => void this.#answer(request, response));
	}

	static async start(): Promise<Registry> {
		const registry = new Registry();
		registry.#server.listen(0, '127.0.0.1');
		await once(registry.#server, 'listening');
		return registry;
	}

	/** As images name it. */
	get host(): string {
		return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
	}

	async stop(): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, 'close');
	}

	/** Has busybox as an image; answers the manifest's digest. */
	push(name: string, tag: string, config: object = {}): string {
		const tar = rootFs();
		const layer = this.#keep('application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(tar, { level: 1 }));
		const image = {
			architecture: process.arch === 'x64' ? 'amd64' : process.arch,
			os: 'linux',
			config,
			rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
			history: [{ created_by: 'a test' }],
		};
		const about = this.#keep('application/vnd.docker.container.image.v1+json', Buffer.from(JSON.stringify(image)));
		const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: about, layers: [layer] };
		const { digest } = this.#keep(MANIFEST, Buffer.from(JSON.stringify(manifest)));
		this.#tags.set(`${name}:${tag}`, digest);
		return digest;
	}

	#keep(type: string, bytes: Buffer): { mediaType: string; size: number; digest: string } {
		const digest = `sha256:${sha256(bytes)}`;
		this.#blobs.set(digest, { type, bytes });
		return { mediaType: type, size: bytes.length, digest };
	}

	async #answer({ method = '', url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
		this.asked.push(`${method} ${url}`);
		response.setHeader('docker-distribution-api-version', 'registry/2.0');
		const refuse = (status: number, code: string, message: string) => {
			response.writeHead(status, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ errors: [{ code, message, detail: null }] }));
		};
		const { username, password } = this.login ?? {};
		const basic = `Basic ${Buffer.from(`${String(username)}:${String(password)}`).toString('base64')}`;
		if (this.login && headers.authorization !== basic) {
			response.setHeader('www-authenticate', 'Basic realm="a test"');
			refuse(401, 'UNAUTHORIZED', `authentication required, not ${headers.authorization ?? 'nothing'}`);
			return;
		}
		if (url === '/v2/') {
			response.writeHead(200).end('{}');
			return;
		}
		const [, name = '', kind, ref = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
		const digest = kind === 'manifests' ? (this.#tags.get(`${name}:${ref}`) ?? ref) : ref;
		const blob = this.#blobs.get(digest);
		if (!blob) {
			if (kind === 'manifests') refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
			else refuse(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
			return;
		}
		response.writeHead(200, {
			'content-type': kind === 'manifests' ? blob.type : 'application/octet-stream',
			'content-length': blob.bytes.length,
			'docker-content-digest': digest,
		});
		if (method === 'HEAD') {
			response.end();
			return;
		}
		if (blob.type.endsWith('gzip') && this.held) {
			response.write(blob.bytes.subarray(0, 1000));
			await this.held;
			response.end(blob.bytes.subarray(1000));
		} else response.end(blob.bytes);
	}
}
