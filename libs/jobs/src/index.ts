export { DailyJob, type DailyJobOptions, type SchedulerCheck } from './daily-job.js';
export { prepareJobs, type JobsBackend } from './backend.js';
export { jobsOf, jobsSettings } from './jobs-settings.js';
