import { z } from 'zod';
import { Image } from '#domain/backend-config.ts';

/** An image, with all that a short name leaves out. */
export interface ImageName {
	/** `docker.io` where none is named. */
	registry: string;
	/** With its registry. */
	repository: string;
	/** Null beside a digest, which says more. */
	tag: string | null;
	digest: string | null;
}

const HUB = 'docker.io';

/** As every engine reads it: what stands before the first slash is a registry if it could be a host. Pure. */
export function imageName(text: string): ImageName {
	const [named = '', digest = null] = text.split('@');
	const colon = named.lastIndexOf(':');
	const tagged = colon > named.lastIndexOf('/');
	const name = tagged ? named.slice(0, colon) : named;
	const tag = digest === null ? (tagged ? named.slice(colon + 1) : 'latest') : null;
	const [first = '', ...rest] = name.split('/');
	const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
	const registry = isHost && first !== `index.${HUB}` ? first : HUB;
	const path = isHost ? rest : [first, ...rest];
	if (registry === HUB && path.length === 1) path.unshift('library');
	return { registry, repository: [registry, ...path].join('/'), tag, digest };
}

/** As an engine is asked for it. */
export const imageText = ({ repository, tag, digest }: ImageName): string =>
	digest === null ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;

/** An image; or all of a repository (no tag), or all below a path (`/*`), or everything (`*`). */
export const ImagePattern = z
	.string()
	.max(512)
	.refine(
		(pattern) => pattern === '*' || Image.safeParse(pattern.replace(/\/\*$/, '')).success,
		'expected an image as registry.example/team/tool:1.2, or registry.example/team/* for all below',
	);

function matches(image: ImageName, pattern: string): boolean {
	if (pattern === '*') return true;
	if (pattern.endsWith('/*')) {
		const { repository } = imageName(`${pattern.slice(0, -1)}x/x`);
		return image.repository.startsWith(repository.slice(0, -'x/x'.length));
	}
	const { repository, tag, digest } = imageName(pattern);
	if (image.repository !== repository) return false;
	if (digest !== null) return image.digest === digest;
	const tagged = pattern.lastIndexOf(':') > pattern.lastIndexOf('/');
	// Beside a digest a tag means nothing: who allows one tag does not allow every digest.
	return !tagged || image.tag === tag;
}

/** Whether one of the patterns stands for the image. Pure. */
export const imageAllowed = (image: ImageName, patterns: readonly string[]): boolean =>
	patterns.some((pattern) => matches(image, pattern));
