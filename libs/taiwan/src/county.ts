import { z } from 'zod';

/** Taiwan's 6 special municipalities, 3 cities and 13 counties, as the registry writes them. */
export const COUNTIES = [
  ...(['臺北市', '新北市', '桃園市', '臺中市', '臺南市', '高雄市'] as const),
  ...(['基隆市', '新竹市', '嘉義市'] as const),
  ...(['新竹縣', '苗栗縣', '彰化縣', '南投縣', '雲林縣', '嘉義縣', '屏東縣'] as const),
  ...(['宜蘭縣', '花蓮縣', '臺東縣', '澎湖縣', '金門縣', '連江縣'] as const),
] as const;

export type County = (typeof COUNTIES)[number];

/** The county or city of a 商業, which becomes L of the subject. 台 is taken for 臺. */
export const county = z
  .string('a county is a text')
  .overwrite((text) => text.trim().replace(/^台/, '臺'))
  .refine(
    (text): text is County => (COUNTIES as readonly string[]).includes(text),
    'not one of the 22 counties and cities',
  )
  .meta({ description: 'County or city (縣市) of a 商業', examples: ['臺北市', '屏東縣'], enum: [...COUNTIES] });
