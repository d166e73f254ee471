import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerOf, logOf } from '#agent/executors/docker/container.ts';
import { Demux, NotMultiplexed } from '#agent/executors/docker/demux.ts';
import { DockerPolicy, dockerRefusal } from '#agent/policy/docker.ts';
import { imageAllowed, imageName, imageText } from '#agent/policy/images.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const allowed = (image: string, ...patterns: string[]) => imageAllowed(imageName(image), patterns);

describe('the name of an image', () => {
	it('is read as every engine reads it', () => {
		const whole = (text: string) => imageText(imageName(text));
		expect(whole('alpine')).toBe('docker.io/library/alpine:latest');
		expect(whole('team/tool:1')).toBe('docker.io/team/tool:1');
		expect(whole('index.docker.io/alpine')).toBe('docker.io/library/alpine:latest');
		expect(whole('localhost/tool')).toBe('localhost/tool:latest');
		expect(whole('registry.example:5000/tool')).toBe('registry.example:5000/tool:latest');
		expect(whole(`registry.example/team/tool:1@${DIGEST}`)).toBe(`registry.example/team/tool@${DIGEST}`);
	});

	it('43: is matched whole: no registry, path or tag stands in for another', () => {
		expect(allowed('docker.io/library/alpine:3', 'alpine')).toBe(true);
		expect(allowed('alpine:3', 'alpine:3')).toBe(true);
		expect(allowed('alpine:4', 'alpine:3')).toBe(false);
		expect(allowed(`alpine:3@${DIGEST}`, 'alpine:3')).toBe(false);
		expect(allowed(`alpine@${DIGEST}`, `alpine@${DIGEST}`)).toBe(true);
		expect(allowed('evil/alpine', 'alpine')).toBe(false);
		expect(allowed('registry.example/team/a/b', 'registry.example/team/*')).toBe(true);
		expect(allowed('registry.example/teamwork/a', 'registry.example/team/*')).toBe(false);
		expect(allowed('registry.example.evil/team/a', 'registry.example/team/*')).toBe(false);
		expect(allowed('team/a', 'registry.example/team/*')).toBe(false);
		expect(allowed('anything/at/all', '*')).toBe(true);
		expect(allowed('alpine')).toBe(false);
	});
});

describe('43: a container', () => {
	const task = { name: 'tag-1-1', cwd: '/uhub/work', secrets: null };
	const command = { name: 's', tool: 'shell' as const, argv: ['/bin/sh', '-x'] as [string, string], env: { A: 'b' } };
	const made = { image: 'sha256:1', user: '', log: logOf('docker') };
	const policy = DockerPolicy.parse({ max: { memory_mib: 64 } });

	it('43: has what the policy gives where the job asks for nothing, and no mount but its volume', () => {
		const config = containerOf(task, command, { image: 'alpine' }, made, policy, 'tag');
		expect(config).toMatchObject({
			Entrypoint: ['/bin/sh'],
			Cmd: ['-x'],
			HostConfig: {
				NetworkMode: 'none',
				Privileged: false,
				CapDrop: ['ALL'],
				ReadonlyRootfs: true,
				Memory: 64 * 1_048_576,
				PidsLimit: 4096,
				Mounts: [{ Type: 'volume' }],
			},
		});
	});

	it('43: is refused without a policy for containers, and by a policy that names no image', () => {
		expect(dockerRefusal({ image: 'alpine' }, null)).toContain('(docker)');
		expect(dockerRefusal({ image: 'alpine' }, DockerPolicy.parse({}))).toContain('docker.images');
		const strict = DockerPolicy.parse({ images: ['*'], user_required: true });
		for (const user of ['0', '00', '0:0', 'root'])
			expect(dockerRefusal({ image: 'a', user }, strict)).toContain('user');
	});
});

describe('what an engine sends of both streams', () => {
	const framed = (kind: number, bytes: Uint8Array) => {
		const header = Buffer.alloc(8);
		header[0] = kind;
		header.writeUInt32BE(bytes.length, 4);
		return Buffer.concat([header, bytes]);
	};

	it('is taken apart however it is cut', () => {
		const pieces = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 });
		fc.assert(
			fc.property(pieces, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), (all, cuts) => {
				const sent = Buffer.concat(all.map(([kind, bytes]) => framed(kind, bytes)));
				const demux = new Demux();
				const got: Record<number, Buffer[]> = {};
				for (let at = 0, n = 0; at < sent.length; n++) {
					const size = cuts[n % cuts.length] ?? 1;
					for (const { stream, bytes } of demux.push(sent.subarray(at, at + size))) (got[stream] ??= []).push(bytes);
					at += size;
				}
				const expected = (kind: number) => Buffer.concat(all.flatMap(([of, bytes]) => (of === kind ? [bytes] : [])));
				expect(Buffer.concat(got[1] ?? [])).toEqual(expected(1));
				expect(Buffer.concat(got[2] ?? [])).toEqual(expected(2));
			}),
		);
	});

	it('is refused where it is something else', () => {
		expect(() => [...new Demux().push(Buffer.from('plain text of a terminal'))]).toThrow(NotMultiplexed);
	});
});
