// The few globals that every runtime has and the pure rooms use; anything more would tie them to one.
declare class TextEncoder {
	encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
	constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
	decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}
declare class URL {
	constructor(url: string, base?: string);
	static canParse(url: string): boolean;
	readonly protocol: string;
	readonly origin: string;
	readonly username: string;
	readonly password: string;
	readonly hostname: string;
	readonly pathname: string;
	readonly search: string;
	readonly hash: string;
}
declare function atob(text: string): string;
declare function btoa(text: string): string;
