CREATE TABLE `hook_deliveries` (
	`repo_id` integer NOT NULL,
	`hash` text NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`repo_id`, `hash`),
	FOREIGN KEY (`repo_id`) REFERENCES `git_repos`(`id`) ON UPDATE no action ON DELETE cascade
);
