/** An object without some of its fields. */
export const omit = <T extends object, K extends keyof T>(all: T, ...names: K[]): Omit<T, K> =>
	Object.fromEntries(Object.entries(all).filter(([name]) => !names.some((left) => left === name))) as Omit<T, K>;
