//! The 78 commune-level units of Quảng Trị province (code 44) since 1 July 2025: 69 xã, 8 phường and
//! the đặc khu Cồn Cỏ. Arrangement: Nghị quyết 1680/NQ-UBTVQH15 (16/6/2025); names, five-digit codes
//! and order: the annex of Quyết định 19/2025/QĐ-TTg (30/6/2025), rows 1734–1811, read in a public
//! transcription of its pages. Two independent data sets agree with it in all 78 rows (an older
//! edition of one gave Xã Phong Nha the code of the former town, 19165; the decision has 19138).

/// One commune-level unit.
pub(crate) struct Commune {
    /// Official code, five digits.
    pub code: &'static str,
    /// Official name with its kind, NFC, for example "Xã Lệ Thủy".
    pub name: &'static str,
}

const fn commune(code: &'static str, name: &'static str) -> Commune {
    Commune { code, name }
}

/// All units in the decision's order.
pub(crate) const COMMUNES: &[Commune] = &[
    commune("18880", "Phường Đồng Hới"),
    commune("18859", "Phường Đồng Thuận"),
    commune("18871", "Phường Đồng Sơn"),
    commune("19093", "Xã Nam Gianh"),
    commune("19075", "Xã Nam Ba Đồn"),
    commune("19009", "Phường Ba Đồn"),
    commune("19066", "Phường Bắc Gianh"),
    commune("18904", "Xã Dân Hóa"),
    commune("18922", "Xã Kim Điền"),
    commune("18943", "Xã Kim Phú"),
    commune("18901", "Xã Minh Hóa"),
    commune("18919", "Xã Tân Thành"),
    commune("18958", "Xã Tuyên Lâm"),
    commune("18952", "Xã Tuyên Sơn"),
    commune("18949", "Xã Đồng Lê"),
    commune("18985", "Xã Tuyên Phú"),
    commune("18991", "Xã Tuyên Bình"),
    commune("18997", "Xã Tuyên Hóa"),
    commune("19051", "Xã Tân Gianh"),
    commune("19030", "Xã Trung Thuần"),
    commune("19057", "Xã Quảng Trạch"),
    commune("19033", "Xã Hòa Trạch"),
    commune("19021", "Xã Phú Trạch"),
    commune("19147", "Xã Thượng Trạch"),
    commune("19138", "Xã Phong Nha"),
    commune("19126", "Xã Bắc Trạch"),
    commune("19159", "Xã Đông Trạch"),
    commune("19111", "Xã Hoàn Lão"),
    commune("19141", "Xã Bố Trạch"),
    commune("19198", "Xã Nam Trạch"),
    commune("19207", "Xã Quảng Ninh"),
    commune("19225", "Xã Ninh Châu"),
    commune("19237", "Xã Trường Ninh"),
    commune("19204", "Xã Trường Sơn"),
    commune("19249", "Xã Lệ Thủy"),
    commune("19255", "Xã Cam Hồng"),
    commune("19288", "Xã Sen Ngư"),
    commune("19291", "Xã Tân Mỹ"),
    commune("19309", "Xã Trường Phú"),
    commune("19246", "Xã Lệ Ninh"),
    commune("19318", "Xã Kim Ngân"),
    commune("19333", "Phường Đông Hà"),
    commune("19351", "Phường Nam Đông Hà"),
    commune("19360", "Phường Quảng Trị"),
    commune("19363", "Xã Vĩnh Linh"),
    commune("19414", "Xã Cửa Tùng"),
    commune("19372", "Xã Vĩnh Hoàng"),
    commune("19405", "Xã Vĩnh Thủy"),
    commune("19366", "Xã Bến Quan"),
    commune("19537", "Xã Cồn Tiên"),
    commune("19496", "Xã Cửa Việt"),
    commune("19495", "Xã Gio Linh"),
    commune("19501", "Xã Bến Hải"),
    commune("19435", "Xã Hướng Lập"),
    commune("19441", "Xã Hướng Phùng"),
    commune("19429", "Xã Khe Sanh"),
    commune("19462", "Xã Tân Lập"),
    commune("19432", "Xã Lao Bảo"),
    commune("19489", "Xã Lìa"),
    commune("19483", "Xã A Dơi"),
    commune("19594", "Xã La Lay"),
    commune("19588", "Xã Tà Rụt"),
    commune("19564", "Xã Đakrông"),
    commune("19567", "Xã Ba Lòng"),
    commune("19555", "Xã Hướng Hiệp"),
    commune("19597", "Xã Cam Lộ"),
    commune("19603", "Xã Hiếu Giang"),
    commune("19624", "Xã Triệu Phong"),
    commune("19669", "Xã Ái Tử"),
    commune("19645", "Xã Triệu Bình"),
    commune("19654", "Xã Triệu Cơ"),
    commune("19639", "Xã Nam Cửa Việt"),
    commune("19681", "Xã Diên Sanh"),
    commune("19741", "Xã Mỹ Thủy"),
    commune("19702", "Xã Hải Lăng"),
    commune("19699", "Xã Vĩnh Định"),
    commune("19735", "Xã Nam Hải Lăng"),
    commune("19742", "Đặc khu Cồn Cỏ"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of_kind(kind: &str) -> usize {
        COMMUNES.iter().filter(|commune| commune.name.starts_with(kind)).count()
    }

    #[test]
    fn the_province_has_69_communes_8_wards_and_one_special_zone() {
        assert_eq!(COMMUNES.len(), 78);
        assert_eq!((of_kind("Xã "), of_kind("Phường "), of_kind("Đặc khu ")), (69, 8, 1));
    }

    #[test]
    fn codes_are_five_digits_of_this_province_and_no_code_or_name_comes_twice() {
        for commune in COMMUNES {
            let number: u32 = commune.code.parse().unwrap();
            assert_eq!(commune.code, format!("{number:05}"));
            assert!((18_859..=19_742).contains(&number), "{}", commune.code);
        }
        let codes: HashSet<_> = COMMUNES.iter().map(|commune| commune.code).collect();
        let names: HashSet<_> = COMMUNES.iter().map(|commune| commune.name).collect();
        assert_eq!((codes.len(), names.len()), (78, 78));
    }

    #[test]
    fn names_are_nfc_in_the_new_spelling_of_the_official_list() {
        for Commune { name, .. } in COMMUNES {
            let combining = name.chars().any(|c| ('\u{300}'..='\u{36f}').contains(&c));
            assert!(!combining, "{name} is not NFC");
            for old in ["uỷ", "oà", "oá", "oạ", "oả", "oã"] {
                let found = name.split(' ').any(|syllable| syllable.ends_with(old));
                assert!(!found, "{name} has the old {old}");
            }
        }
        for (code, name) in [
            ("18880", "Phường Đồng Hới"),
            ("19249", "Xã Lệ Thủy"),
            ("19333", "Phường Đông Hà"),
            ("19742", "Đặc khu Cồn Cỏ"),
        ] {
            assert!(COMMUNES.iter().any(|unit| unit.code == code && unit.name == name), "{name}");
        }
    }
}
