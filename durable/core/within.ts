/** What the work comes to, or an error where it has not after so long. The work itself is not stopped. */
export async function within<T>(ms: number, work: Promise<T>, who: string): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const silence = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			reject(new Error(`${who} did not answer in ${String(ms / 1000)} s`));
		}, ms);
	});
	try {
		return await Promise.race([work, silence]);
	} finally {
		clearTimeout(timer);
	}
}
