/** Resolves when more may be written: where whoever reads is slower than what is read, the rest waits at the hub. */
export const written = (stream: NodeJS.WritableStream, part: string | Uint8Array): Promise<void> =>
	new Promise((resolve) => {
		if (part.length === 0 || stream.write(part)) resolve();
		else stream.once('drain', resolve);
	});
