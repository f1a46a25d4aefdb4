import { httpUrl } from '#libs/config';

/** To be spread into the settings of a process. */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl()
    .refine((url) => !/^\w+:\/\/[^/?#]*@/.test(url), 'has a user or password in it')
    .optional(),
};
