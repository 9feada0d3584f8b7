/** What the speaker talks to: the roles of the hosts seen in the captures (calibration 3.1, 3.2, 3.4), under names of our own. */
export interface Endpoint {
  readonly name: string;
  readonly v4: string;
  readonly v6: string;
  readonly port: number;
}

function endpoint(host: number, name: string, port: number): Endpoint {
  const v4 = `198.18.${String(host)}.${String(10 + host)}`;
  return { name, v4, v6: `2001:db8:c10d:${host.toString(16)}::${(10 + host).toString(16)}`, port };
}

/**
 * The cloud, one address of each family for each role. A media query meets 13-15 remote addresses in 195 s (M, 3.1) and a
 * boot 20 (M, 3.5), so there are 18. The names in comments are the hosts that played the role in the captures.
 */
export const ENDPOINTS = {
  resolver: endpoint(1, "resolver.cloud.example", 53), // dns.google
  time: endpoint(2, "time.cloud.example", 123), // time.google.com
  voice: endpoint(3, "voice.cloud.example", 443), // www.google.com
  telemetry: endpoint(4, "telemetry.cloud.example", 443), // play.googleapis.com
  clients: endpoint(5, "clients.cloud.example", 443), // clients4.google.com
  push: endpoint(6, "push.cloud.example", 5228), // mtalk.google.com
  static: endpoint(7, "static.cloud.example", 443), // www.gstatic.com
  ajax: endpoint(8, "ajax.cloud.example", 443), // ajax.googleapis.com
  check: endpoint(9, "check.cloud.example", 80), // connectivitycheck.gstatic.com
  messaging: endpoint(10, "messaging.cloud.example", 443), // fcm.googleapis.com
  home: endpoint(11, "home.cloud.example", 443), // home-devices
  news: endpoint(12, "news.media.example", 443), // the media hosts differ from query to query
  music: endpoint(13, "music.media.example", 443),
  radio: endpoint(14, "radio.media.example", 443),
  artwork: endpoint(15, "artwork.media.example", 443),
  weather: endpoint(16, "weather.travel.example", 443),
  traffic: endpoint(17, "traffic.travel.example", 443),
  calendar: endpoint(18, "calendar.utility.example", 443),
} as const;

export type EndpointName = keyof typeof ENDPOINTS;

/** The names of all endpoints, in the order of the table. */
export const ENDPOINT_NAMES = Object.keys(ENDPOINTS) as EndpointName[];

/** Every address of the cloud, IPv4 and IPv6. */
export const CLOUD_ADDRESSES: readonly string[] = Object.values(ENDPOINTS).flatMap(({ v4, v6 }) => [v4, v6]);
