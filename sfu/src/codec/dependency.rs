//! The dependency descriptor (the AV1 RTP payload format, appendix A): which frame a packet belongs to,
//! which decode targets need that frame, and what it refers to. A decode target is what a receiver can be
//! given: up to some spatial and temporal layer. The structure comes with a key frame and is kept for
//! those that follow.

use super::bits::{Reader, Writer};

/// Decode targets of one structure (five bits, plus one).
const TARGETS_MAX: usize = 32;

/// Templates of one structure (six bits).
const TEMPLATES_MAX: usize = 64;

/// Largest extension that is rewritten; the two-byte header form ends here.
pub(crate) const BYTES_MAX: usize = 255;

/// Bytes of a descriptor that has only the mandatory fields.
const MANDATORY_BYTES: usize = 3;

/// What most frames of one kind have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Template {
    spatial: u8,
    temporal: u8,
    /// Two bits for each decode target, lowest first: 0 not present, 1 discardable, 2 switch, 3 required.
    indications: u64,
    references: References,
}

/// Which frames a frame refers to, as distances back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Bit n: the frame n + 1 before.
    pub(crate) near: u64,
    /// One that lies further back than `near` can say.
    pub(crate) has_far: bool,
}

impl References {
    fn add(&mut self, distance: u32) {
        match distance {
            1..=64 => self.near |= 1 << (distance - 1),
            _ => self.has_far = true,
        }
    }
}

/// The structure of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    id: u8,
    n_targets: u8,
    n_chains: u8,
    n_templates: u8,
    templates: [Template; TEMPLATES_MAX],
    /// Highest spatial and temporal layer of each decode target.
    layers: [(u8, u8); TARGETS_MAX],
    /// For each decode target the set of those that need no frame that it does not need.
    within: [u32; TARGETS_MAX],
    /// The decode targets that the sender serves, as it said last. One that it does not serve gets key frames
    /// only, where the layers of other frames do not depend on each other.
    active: u32,
}

/// What one packet's descriptor says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) starts_frame: bool,
    pub(crate) ends_frame: bool,
    pub(crate) frame: u16,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    /// As in a template.
    indications: u64,
    pub(crate) references: References,
    /// The structure comes with this packet.
    pub(crate) has_structure: bool,
    /// Decode targets that the sender serves, if it says so here.
    active: Option<u32>,
    n_targets: u8,
    /// Where in the bits the set of active targets lies or would lie.
    mask_at: u16,
    is_extended: bool,
    /// Where in the packet the extension's value lies.
    pub(crate) at: u16,
    pub(crate) len: u8,
}

impl Dependency {
    fn indication(&self, target: u8) -> u64 {
        self.indications.checked_shr(2 * u32::from(target)).unwrap_or(0) & 3
    }

    /// Whether a decode target needs the frame, or can use it.
    pub(crate) fn is_for(&self, target: u8) -> bool {
        self.indication(target) != 0
    }

    /// Whether the frame begins everything anew.
    pub(crate) fn is_key(&self) -> bool {
        self.has_structure && self.references == References::default()
    }

    /// Whether, this frame being decodable, all later ones of a decode target are.
    pub(crate) fn switches_to(&self, target: u8) -> bool {
        self.indication(target) == 2
    }
}

impl Structure {
    /// The best decode target that the sender serves and that is no higher than these layers; the lowest if
    /// there is none.
    pub(crate) fn target(&self, spatial: u8, temporal: u8) -> u8 {
        let all = || 0..self.n_targets;
        let layers = |target: &u8| self.layers[usize::from(*target)];
        let fits = |target: &u8| layers(target).0 <= spatial && layers(target).1 <= temporal;
        let is_served = |target: &u8| self.active >> target & 1 != 0;
        all()
            .filter(|target| is_served(target) && fits(target))
            .max_by_key(layers)
            .or_else(|| all().min_by_key(layers))
            .unwrap_or(0)
    }

    /// The highest layers of a decode target: spatial, temporal.
    pub(crate) fn layers(&self, target: u8) -> (u8, u8) {
        self.layers.get(usize::from(target)).copied().unwrap_or_default()
    }

    /// Whether whoever receives `outer` receives all of `inner`.
    pub(crate) fn is_within(&self, inner: u8, outer: u8) -> bool {
        self.within(outer) & 1u32.checked_shl(u32::from(inner)).unwrap_or(0) != 0
    }

    /// Whether whoever receives `target` receives everything.
    pub(crate) fn is_whole(&self, target: u8) -> bool {
        self.within(target).count_ones() == u32::from(self.n_targets)
    }

    /// Whether upper spatial layers need the lower ones in every picture, and not in key pictures only.
    pub(crate) fn is_nested(&self) -> bool {
        let top = (0..self.n_targets).max_by_key(|it| self.layers[usize::from(*it)]);
        top.is_some_and(|top| self.is_whole(top))
    }

    /// The decode targets that can be decoded from what `target` gets.
    pub(crate) fn within(&self, target: u8) -> u32 {
        self.within.get(usize::from(target)).copied().unwrap_or_default()
    }

    /// How many spatial and temporal layers there are.
    pub(crate) fn shape(&self) -> (u8, u8) {
        let used = &self.layers[..usize::from(self.n_targets)];
        let spatial = used.iter().map(|it| it.0).max().unwrap_or(0);
        let temporal = used.iter().map(|it| it.1).max().unwrap_or(0);
        (spatial + 1, temporal + 1)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let id = reader.bits(6)? as u8;
        let n_targets = reader.bits(5)? as u8 + 1;
        let mut it = Self {
            id,
            n_targets,
            n_chains: 0,
            n_templates: 0,
            templates: [Template::default(); TEMPLATES_MAX],
            layers: [(0, 0); TARGETS_MAX],
            within: [0; TARGETS_MAX],
            active: u32::MAX,
        };
        it.read_layers(reader)?;
        let templates = &mut it.templates[..usize::from(it.n_templates)];
        for template in &mut *templates {
            template.indications = read_indications(reader, n_targets)?;
        }
        for template in &mut *templates {
            while reader.bit()? {
                template.references.add(reader.bits(4)? + 1);
            }
        }
        it.n_chains = reader.below(u32::from(n_targets) + 1)? as u8;
        if it.n_chains > 0 {
            for _ in 0..n_targets {
                reader.below(u32::from(it.n_chains) + 1)?;
            }
            for _ in 0..usize::from(it.n_templates) * usize::from(it.n_chains) {
                reader.bits(4)?;
            }
        }
        let n_spatial = it.templates[usize::from(it.n_templates) - 1].spatial + 1;
        if reader.bit()? {
            for _ in 0..n_spatial {
                reader.bits(32)?;
            }
        }
        it.summarize();
        Some(it)
    }

    fn read_layers(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let (mut spatial, mut temporal) = (0u8, 0u8);
        loop {
            let template = self.templates.get_mut(usize::from(self.n_templates))?;
            *template = Template { spatial, temporal, ..Template::default() };
            self.n_templates += 1;
            match reader.bits(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Some(()),
            }
            if spatial > 3 || temporal > 7 {
                return None;
            }
        }
    }

    /// Finds out from the templates what each decode target is.
    fn summarize(&mut self) {
        let templates = &self.templates[..usize::from(self.n_templates)];
        let is_for =
            |template: &Template, target: usize| template.indications >> (2 * target) & 3 != 0;
        let n = usize::from(self.n_targets);
        for outer in 0..n {
            let mut layers = (0, 0);
            for template in templates.iter().filter(|it| is_for(it, outer)) {
                layers = (template.spatial.max(layers.0), template.temporal.max(layers.1));
            }
            self.layers[outer] = layers;
            let holds =
                |inner: &usize| templates.iter().all(|it| !is_for(it, *inner) || is_for(it, outer));
            self.within[outer] = (0..n).filter(holds).fold(0, |set, inner| set | 1 << inner);
        }
    }
}

fn read_indications(reader: &mut Reader<'_>, n_targets: u8) -> Option<u64> {
    let mut indications = 0;
    for target in 0..u32::from(n_targets) {
        indications |= u64::from(reader.bits(2)?) << (2 * target);
    }
    Some(indications)
}

/// Reads a descriptor; keeps the structure that comes with it. `None` if it is malformed or if the
/// structure that it needs has not come.
pub(crate) fn parse(value: &[u8], kept: &mut Option<Box<Structure>>) -> Option<Dependency> {
    let mut reader = Reader::new(value);
    let mut found =
        Dependency { starts_frame: reader.bit()?, ends_frame: reader.bit()?, ..Default::default() };
    let template_id = reader.bits(6)? as u8;
    found.frame = reader.bits(16)? as u16;
    found.is_extended = value.len() > MANDATORY_BYTES;
    let mut flags = [false; 5];
    if found.is_extended {
        for flag in &mut flags {
            *flag = reader.bit()?;
        }
    }
    let [has_structure, has_active, has_indications, has_references, has_chains] = flags;
    let attached = if has_structure { Some(Structure::read(&mut reader)?) } else { None };
    let structure = attached.as_ref().or(kept.as_deref())?;
    found.has_structure = has_structure;
    found.n_targets = structure.n_targets;
    found.mask_at = reader.at() as u16;
    if has_active {
        found.active = Some(reader.bits(usize::from(structure.n_targets))?);
    }
    let index = usize::from(template_id.wrapping_sub(structure.id)) % TEMPLATES_MAX;
    let template = structure.templates[..usize::from(structure.n_templates)].get(index)?;
    found.spatial = template.spatial;
    found.temporal = template.temporal;
    found.indications = template.indications;
    found.references = template.references;
    if has_indications {
        found.indications = read_indications(&mut reader, structure.n_targets)?;
    }
    if has_references {
        found.references = References::default();
        loop {
            match reader.bits(2)? {
                0 => break,
                n => found.references.add(reader.bits(4 * n as usize)? + 1),
            }
        }
    }
    if has_chains {
        for _ in 0..structure.n_chains {
            reader.bits(8)?;
        }
    }
    if let Some(attached) = attached {
        match kept {
            Some(kept) => **kept = attached,
            None => *kept = Some(Box::new(attached)),
        }
    }
    if let (Some(active), Some(kept)) = (found.active, kept) {
        kept.active = active;
    }
    Some(found)
}

/// Writes a descriptor again with another frame number and, if only part of the stream is forwarded, with
/// the set of decode targets that it still holds, so that the decoder does not wait for the others.
/// Returns its length, or `None` if it grew too long.
pub(crate) fn rewrite(
    value: &[u8],
    found: &Dependency,
    move_frame: u16,
    within: Option<u32>,
    out: &mut [u8; BYTES_MAX],
) -> Option<usize> {
    let bits = value.len() * 8;
    let mut writer = Writer::new(out);
    writer.copy(value, 0, 8);
    writer.bits(u32::from(found.frame.wrapping_add(move_frame)), 16);
    let Some(within) = within else {
        writer.copy(value, 24, bits);
        return writer.finish();
    };
    let mask_at = usize::from(found.mask_at);
    let mut after = mask_at;
    if found.is_extended {
        writer.copy(value, 24, 25);
        writer.bits(1, 1);
        writer.copy(value, 26, mask_at);
        after += if found.active.is_some() { usize::from(found.n_targets) } else { 0 };
    } else {
        writer.bits(0b01000, 5);
    }
    writer.bits(found.active.unwrap_or(u32::MAX) & within, usize::from(found.n_targets));
    writer.copy(value, after, bits);
    writer.finish()
}

#[cfg(test)]
pub(crate) mod tests;
