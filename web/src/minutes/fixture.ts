//! A small document for tests.
import type { MinutesDocument } from '../protocol';

const BEGAN = Date.parse('2026-09-15T08:00:00+07:00');

export function minutesFixture(): MinutesDocument {
  const row = {
    site: null, name: 'Điểm cầu xã Lệ Thủy', present: true, headcount: 31, local_chair: '',
    joined_at: BEGAN, left_at: BEGAN + 3_600_000, connected_ms: 3_600_000, remark: '',
  };
  return {
    form: 'state', parent_body: 'UBND TỈNH QUẢNG TRỊ', issuing_body: 'VĂN PHÒNG', number: '', place: 'Quảng Trị',
    dated: BEGAN, title: 'Hội nghị giao ban tháng 9', started_at: BEGAN, ended_at: BEGAN + 3_600_000,
    venue: 'Hội trường UBND tỉnh', chair: '', secretary: '',
    attendance: [row, { ...row, name: 'Điểm cầu đặc khu Cồn Cỏ', present: false, headcount: 12 }],
    opening: '', speeches: [], decisions: [], votes: [], conclusion: '', recordings: [], papers: [], recipients: ['Như trên;'], log_hash: '',
  };
}
