import { z } from 'zod';

export const AbsolutePath = z
	.string()
	.max(1024)
	.regex(/^\/[^\0]*$/, 'expected an absolute path')
	.refine((p) => !p.split('/').includes('..'), 'must not hold ..');

/** Whether an absolute path is a directory or below it, by its words alone; links are resolved where it is opened. */
export function isUnder(file: string, dir: string): boolean {
	if (file.includes('\0') || file.split('/').includes('..')) return false;
	const root = dir.endsWith('/') ? dir : `${dir}/`;
	return `${file}/`.startsWith(root);
}
