"""What happens when substances of two reactive groups meet, one row for each partner or set of partners.

Sources, facts only and in our own words:

- EPA: Hatayama et al., "A Method for Determining the Compatibility of Hazardous Wastes", EPA-600/2-80-076 (1980);
- CAMEO: NOAA and EPA, CAMEO Chemicals, documentation of reactive group pairs;
- BRETHERICK: Urben (ed.), "Bretherick's Handbook of Reactive Chemical Hazards", 8th edition (2017);
- LIPF6: Yang, Zhuang & Ross, J. Power Sources 161, 573 (2006), on LiPF6 with traces of water;
- HYDRIDE: Yang et al., Org. Process Res. Dev. 23, 2210 (2019), on sodium hydride in amides and sulfoxides.

The severities are ours: `block` for gas that kills, explosion or fire without further ado; `ask` for what is done on
purpose by people who know it, and harms those who do not; `note` for what is good to know.
"""

from __future__ import annotations

__all__ = ["EFFECTS", "ROWS", "SOURCES"]

SOURCES = {
    "EPA": "EPA-600/2-80-076",
    "CAMEO": "NOAA CAMEO Chemicals, reactive groups",
    "BRETHERICK": "Bretherick's Handbook of Reactive Chemical Hazards",
    "LIPF6": "J. Power Sources 161, 573 (2006)",
    "HYDRIDE": "Org. Process Res. Dev. 23, 2210 (2019)",
}

EFFECTS = {
    # the letters of the EPA's chart (T is ours), the gravest first
    "E": "explosion",
    "GT": "toxic_gas",
    "F": "fire",
    "GF": "flammable_gas",
    "P": "polymerisation",
    "T": "toxic_product",
    "G": "gas",
    "H": "heat",
}

# group | partners | severity | effects | gas | what happens | sources
ROWS = """
cyanide | acid_nonoxidising acid_oxidising acid_organic | block | GT,GF | hydrogen cyanide | acids free hydrogen cyanide, deadly within minutes | EPA
cyanide | hypochlorite | block | GT,H,E | cyanogen chloride | bleach makes cyanogen chloride unless the pH stays above 11 | EPA CAMEO
cyanide | oxidiser | block | GT,H,E | cyanogen, nitrogen oxides | oxidation may run away | EPA
cyanide | mild_oxidiser | ask | GT,H | cyanogen | oxidation gives toxic gas unless the pH stays above 11 | CAMEO
cyanide | nitrite | ask | E,H | | dry mixtures explode when heated | BRETHERICK
cyanide | peroxide | block | GT,H,E | hydrogen cyanide | oxidation may run away | EPA
cyanide | water | ask | GT | hydrogen cyanide | below pH 11 the solution gives off hydrogen cyanide | CAMEO
cyanide | ammonium_salt | ask | GT | hydrogen cyanide | ammonium salts are acid enough to free hydrogen cyanide | CAMEO
cyanide | reducing_agent | ask | H,GT | hydrogen cyanide | heat and toxic gas are possible | EPA
cyanide | halogenated_organic carbonyl | note | H | | adds or substitutes with heat | EPA
cyanide | isocyanate | ask | H,G | carbon dioxide | reacts with heat; gas builds pressure | EPA
sulfide | acid_nonoxidising acid_organic | block | GT,GF | hydrogen sulfide | acids free hydrogen sulfide, deadly and soon no longer smelt | EPA
sulfide | acid_oxidising | block | GT,GF,F,H | hydrogen sulfide, sulfur dioxide | acids free hydrogen sulfide; it may ignite | EPA
sulfide | water | ask | GT,GF | hydrogen sulfide | the solution gives off hydrogen sulfide unless it stays alkaline | EPA
sulfide | oxidiser | block | H,F,GT | sulfur dioxide | oxidation may ignite | EPA
sulfide | hypochlorite | ask | H,GT | sulfur dioxide, chlorine | oxidation gives heat and toxic gas | CAMEO
sulfide | mild_oxidiser | note | H | | oxidation gives heat | CAMEO
sulfide | peroxide | block | H,GT | sulfur dioxide | oxidation may run away | EPA
sulfide | carbonyl isocyanate | note | H | | adds with heat | EPA
azide | acid_nonoxidising acid_oxidising acid_organic | block | E,GT,H | hydrazoic acid | acids free hydrazoic acid, as toxic as hydrogen cyanide and explosive | CAMEO BRETHERICK
azide | heavy_metal_salt | block | E | | lead, copper, silver and mercury azides explode at a touch | BRETHERICK
azide | metal_powder | ask | E | | copper, zinc and their alloys form azides that explode at a touch; mind pipes | BRETHERICK
azide | halogenated_organic | block | E | | dichloromethane and chloroform form azides that explode | BRETHERICK
azide | oxidiser | block | E,GT,H | nitrogen oxides | oxidation may explode | CAMEO
azide | hypochlorite | block | E,GT | chlorine azide | forms chlorine azide, which explodes | BRETHERICK
azide | peroxide | ask | E,H,F | | oxidation may explode | CAMEO
azide | ammonium_salt | ask | E,GT | hydrazoic acid | ammonium salts are acid enough to free some hydrazoic acid | CAMEO
toxic_gas_with_acid | acid_nonoxidising acid_oxidising acid_organic | block | GT | toxic gas, named in section 10 of the data sheet | its label says that acids free toxic gas (EUH031, EUH032) | CAMEO
toxic_gas_with_acid | ammonium_salt | note | GT | toxic gas, named in section 10 of the data sheet | ammonium salts are slightly acid | CAMEO

fluoride_salt | acid_nonoxidising acid_oxidising acid_organic | block | GT | hydrogen fluoride | acids free hydrogen fluoride; it burns deep, etches glass and needs calcium gluconate at hand | EPA
complex_fluoride | water | block | GT,H | hydrogen fluoride, phosphoryl fluoride | water frees hydrogen fluoride, from traces already | LIPF6
complex_fluoride | acid_nonoxidising acid_oxidising acid_organic | block | GT,H | hydrogen fluoride | acids free hydrogen fluoride | LIPF6 EPA
complex_fluoride | hypochlorite mild_oxidiser ammonia | block | GT,H | hydrogen fluoride | the water of the solution frees hydrogen fluoride | LIPF6
complex_fluoride | alcohol | ask | GT | hydrogen fluoride | protic solvents slowly free hydrogen fluoride | LIPF6
complex_fluoride | base | ask | GT,H | hydrogen fluoride | bases split the anion; their water frees hydrogen fluoride | LIPF6
complex_fluoride | carbonate | note | G | carbon dioxide | traces of hydrogen fluoride are bound as gas develops | LIPF6

hypochlorite | acid_nonoxidising acid_oxidising acid_organic | block | GT,H | chlorine | acids free chlorine | CAMEO EPA
hypochlorite | ammonia ammonium_salt | block | GT,E,H | chloramines | forms chloramines, and nitrogen trichloride, which explodes | CAMEO BRETHERICK
hypochlorite | amine | block | GT,E,H | chloramines | forms chloramines; some explode | CAMEO BRETHERICK
hypochlorite | amide | ask | E,GT,H | chloramines, nitrogen trichloride | urea and amides form chloramines | CAMEO BRETHERICK
hypochlorite | alcohol | ask | E,GT,H | chloroform, alkyl hypochlorites | forms chloroform; with acid alkyl hypochlorites, which explode | CAMEO BRETHERICK
hypochlorite | carbonyl | ask | GT,H | chloroform | acetone and other ketones form chloroform, with heat | CAMEO BRETHERICK
hypochlorite | reducing_agent toxic_gas_with_acid | ask | H,GT | chlorine | heat; toxic gas when the mixture turns acid | CAMEO
hypochlorite | oxidiser mild_oxidiser peroxide | ask | G,H | oxygen | hydrogen peroxide and other peroxides free oxygen quickly; a closed bottle bursts | BRETHERICK
hypochlorite | metal_hydride alkali_metal | block | F,GF,H | hydrogen | the water of the bleach frees hydrogen, which ignites | CAMEO
hypochlorite | water_reactive pyrophoric | block | F,GT,H | chlorine | reacts violently with the water and the oxidiser in bleach | CAMEO
hypochlorite | metal_powder heavy_metal_salt | ask | G,H | oxygen | metals and their salts make bleach give off oxygen | BRETHERICK
hypochlorite | isocyanate | ask | G,H | carbon dioxide | the water of the bleach frees carbon dioxide | CAMEO
hypochlorite | combustible hydrocarbon | note | H | | solid hypochlorites are oxidisers, too, and ignite organic matter | BRETHERICK
hypochlorite | explosive | block | E,H | | may set the explosive off | CAMEO

nitrite | acid_nonoxidising acid_oxidising acid_organic | block | GT,H | nitrogen dioxide, nitric oxide | acids free nitrous gases; lung damage shows hours later | CAMEO BRETHERICK
nitrite | ammonium_salt | block | E,G,H | nitrogen | ammonium nitrite decomposes with heat and gas, dry with explosion | BRETHERICK
nitrite | amine | ask | T | | secondary amines form nitrosamines, which cause cancer | CAMEO
nitrite | amide | note | T | | some amides form nitroso compounds, which cause cancer | CAMEO
nitrite | reducing_agent | ask | H,F,GT | nitrogen oxides | reduction may run away | BRETHERICK
carbonate | acid_nonoxidising acid_oxidising acid_organic | ask | G | carbon dioxide | foams, and bursts a closed vessel | CAMEO
ammonium_salt | base | ask | GT | ammonia | bases free ammonia | CAMEO
ammonium_salt | oxidiser | block | E,F,GT | nitrogen oxides | chlorates, permanganates and nitrates with ammonium explode when heated or rubbed | BRETHERICK
ammonium_salt | alkali_metal metal_hydride | ask | GF,GT,H | hydrogen, ammonia | frees hydrogen and ammonia | CAMEO
ammonium_salt | metal_powder | note | GF,H | hydrogen | moist ammonium salts attack metals | BRETHERICK

acid_oxidising | acid_organic | block | H,G,GT,F | nitrogen dioxide, carbon dioxide | oxidation builds up and bursts closed bottles, also hours later | EPA BRETHERICK
acid_oxidising | acid_nonoxidising | ask | GT,H | chlorine, nitrosyl chloride | aqua regia and its like give off toxic gas for hours; never close the bottle | BRETHERICK
acid_oxidising | alcohol | block | H,F,E,GT | nitrogen dioxide | oxidation runs away; alkyl nitrates and perchlorates explode | EPA BRETHERICK
acid_oxidising | carbonyl | block | H,F,E,GT | nitrogen dioxide | oxidation runs away; acetone with nitric acid explodes | EPA BRETHERICK
acid_oxidising | ester ether hydrocarbon | block | H,F,GT | nitrogen dioxide | oxidation or nitration runs away | EPA
acid_oxidising | combustible | block | H,F,GT | nitrogen dioxide | sets combustible matter on fire | EPA
acid_oxidising | nitrile | block | H,F,GT | nitrogen dioxide, hydrogen cyanide | oxidation runs away | EPA
acid_oxidising | amide | block | H,GT | nitrogen dioxide | violent reaction with toxic gas | EPA
acid_oxidising | amine | block | H,F,GT | nitrogen dioxide | some amines ignite on contact | EPA BRETHERICK
acid_oxidising | halogenated_organic | block | H,F,GT | hydrogen chloride, phosgene | oxidation gives toxic gas | EPA
acid_oxidising | nitro_compound | block | H,F,GT,E | nitrogen dioxide | the mixture may detonate | EPA BRETHERICK
acid_oxidising | isocyanate | block | H,F,GT | nitrogen dioxide | violent reaction with toxic gas | EPA
acid_oxidising | peroxide | block | H,E | | sets the peroxide off | EPA
acid_oxidising | oxidiser | block | E,GT,H | chlorine dioxide, ozone | permanganate and chlorate with sulfuric acid explode; piranha solution boils | BRETHERICK
acid_oxidising | mild_oxidiser | ask | H,G | oxygen | strong oxidising mixtures form | BRETHERICK
acid_oxidising | reducing_agent | block | H,F,GT | nitrogen oxides, sulfur dioxide | violent reaction; hydrazine ignites | EPA
acid_oxidising | metal_hydride pyrophoric water_reactive | block | F,GF,E,H | hydrogen | violent reaction with fire | EPA CAMEO
acid_oxidising | alkali_metal | block | H,F,GF,E | hydrogen | explosive reaction | EPA
acid_oxidising | metal_powder | block | H,F,GF,GT | hydrogen, nitrogen dioxide | dissolves with toxic or flammable gas; powders ignite | EPA
acid_oxidising | heavy_metal_salt | note | T | | brings toxic metal into solution | EPA
acid_oxidising | base | ask | H | | neutralisation; concentrated solutions boil and spatter | EPA
acid_oxidising | ammonia | ask | H | | neutralisation; concentrated solutions boil and spatter | EPA
acid_oxidising | water | note | H | | give the acid to the water, never the water to the acid | EPA
acid_nonoxidising | oxidiser | block | GT,H | chlorine, chlorine dioxide | hydrochloric acid with permanganate, chlorate or chromate frees chlorine | EPA
acid_nonoxidising | mild_oxidiser | note | GT,H | chlorine | halides in the acid may be oxidised to halogen | CAMEO
acid_nonoxidising | base | ask | H | | neutralisation; concentrated solutions boil and spatter | EPA
acid_nonoxidising | ammonia | ask | H | | neutralisation; fumes of ammonium salts block vents | CAMEO
acid_nonoxidising | amine | note | H | | neutralisation with fumes | EPA
acid_nonoxidising | alcohol ester ether amide | note | H | | protonation or cleavage with heat | EPA
acid_nonoxidising | carbonyl | note | H,P | | aldehydes may polymerise | EPA
acid_nonoxidising | nitrile | ask | H,GT,GF | hydrogen cyanide | hydrolysis when hot; cyanohydrins free hydrogen cyanide | EPA
acid_nonoxidising | halogenated_organic | note | H,GT | hydrogen chloride | hydrolysis when hot | EPA
acid_nonoxidising | isocyanate | ask | H,G | carbon dioxide | gas builds pressure | EPA
acid_nonoxidising | peroxide | ask | H,G,E | oxygen | acids speed up decomposition | EPA
acid_nonoxidising | reducing_agent | ask | H,GF,GT | hydrogen, sulfur dioxide | borohydride frees hydrogen, dithionite sulfur dioxide | EPA
acid_nonoxidising | metal_hydride pyrophoric | block | F,GF,H | hydrogen | frees hydrogen, which ignites | EPA CAMEO
acid_nonoxidising | water_reactive | block | F,GF,GT,H | hydrogen chloride, hydrogen | reacts violently with the acid and its water | EPA
acid_nonoxidising | alkali_metal | block | H,F,GF,E | hydrogen | frees hydrogen, which ignites | EPA
acid_nonoxidising | metal_powder | ask | H,F,GF | hydrogen | frees hydrogen; a closed vessel bursts | EPA
acid_nonoxidising | heavy_metal_salt | note | T | | brings toxic metal into solution | EPA
acid_nonoxidising | water | note | H | | give the acid to the water, never the water to the acid | EPA
acid_organic | oxidiser | ask | H,GT,F | chlorine dioxide, carbon dioxide | oxalic acid with chlorate, formic acid with peroxide give gas; peracids form | EPA BRETHERICK
acid_organic | mild_oxidiser | note | H,G | carbon dioxide | peracids may form | CAMEO
acid_organic | base amine ammonia | note | H | | neutralisation | EPA
acid_organic | alcohol carbonyl | note | H,P | | esterification or condensation | EPA
acid_organic | nitrile | note | H | | addition with heat | EPA
acid_organic | isocyanate | ask | H,G | carbon dioxide | gas builds pressure | EPA
acid_organic | peroxide | ask | H,G | oxygen | peracids form and decompose | CAMEO
acid_organic | reducing_agent | ask | H,GF,GT | hydrogen, sulfur dioxide | borohydride frees hydrogen, dithionite sulfur dioxide | EPA
acid_organic | metal_hydride pyrophoric | block | F,GF,H | hydrogen | frees hydrogen, which ignites | EPA CAMEO
acid_organic | water_reactive | block | F,GF,GT,H | hydrogen chloride, hydrogen | violent reaction with gas | CAMEO
acid_organic | alkali_metal | block | H,F,GF | hydrogen | frees hydrogen, which ignites | EPA
acid_organic | metal_powder | ask | F,G,GF | hydrogen | frees hydrogen; a closed vessel bursts | EPA
acid_organic | heavy_metal_salt | note | T | | brings toxic metal into solution | EPA

base | ester carbonyl | note | H | | hydrolysis or condensation with heat | EPA
base | halogenated_organic | ask | E,GF,H | dichloroacetylene | chloroform with acetone, trichloroethylene and others run away with alkali; dichloroacetylene explodes | EPA BRETHERICK
base | isocyanate | ask | H,G,P | carbon dioxide | polymerises, with gas | EPA
base | nitro_compound | block | H,E | | nitroalkanes form salts that explode | EPA BRETHERICK
base | metal_powder | ask | H,GF | hydrogen | aluminium and zinc free hydrogen | EPA
base | alkali_metal | ask | H,GF | hydrogen | the water of the solution frees hydrogen | EPA
base | metal_hydride | ask | GF,H | hydrogen | the water of the solution frees hydrogen | CAMEO
base | water_reactive | block | H,GF,GT | hydrogen, hydrogen chloride | reacts violently with the base and its water | EPA
base | peroxide | ask | H,G | oxygen | bases speed up decomposition | BRETHERICK
base | oxidiser | note | G,H | oxygen | bases make hydrogen peroxide decompose | BRETHERICK
base | mild_oxidiser | note | G | oxygen | bases make hydrogen peroxide decompose | BRETHERICK
base | nitrile | note | H | | hydrolysis; acrylonitrile polymerises | EPA
base | water | note | H | | dissolves with heat; concentrated solutions spatter | CAMEO
ammonia | oxidiser | ask | E,F,GT,H | nitrogen oxides | chlorine and bromine form nitrogen trihalides, which explode | BRETHERICK
ammonia | heavy_metal_salt | ask | E | | silver and mercury solutions form explosive solids on standing | BRETHERICK
ammonia | mild_oxidiser | ask | E | | iodine forms nitrogen triiodide, which explodes at a touch when dry | BRETHERICK
ammonia | isocyanate carbonyl | note | H | | adds with heat | CAMEO
ammonia | halogenated_organic | note | H | | substitutes with heat, slowly | CAMEO
ammonia | metal_hydride alkali_metal | ask | GF,H | hydrogen | frees hydrogen | CAMEO
ammonia | water_reactive | block | H,GT | hydrogen chloride | violent reaction | CAMEO
amine | oxidiser | block | H,F,GT | nitrogen oxides | some amines ignite | EPA
amine | mild_oxidiser | note | H | | oxidation gives heat | CAMEO
amine | peroxide | block | H,GT,E | decomposition gases | amines set peroxides off | EPA BRETHERICK
amine | isocyanate | ask | H,P | | reacts at once, with much heat | EPA
amine | halogenated_organic | ask | H,GT | hydrogen chloride | dichloromethane and amines warm up slowly, then quickly in a closed bottle | EPA BRETHERICK
amine | carbonyl | note | H | | condensation with heat | EPA
amine | nitro_compound | ask | E | | amines sensitise nitromethane | BRETHERICK
amine | metal_hydride alkali_metal | ask | GF,H | hydrogen | frees hydrogen | EPA
amine | water_reactive | ask | H,GT | hydrogen chloride | violent reaction with acid chlorides | CAMEO
amine | reducing_agent | note | H,G | decomposition gases | heat and gas are possible | EPA

oxidiser | alcohol ester ether hydrocarbon | block | H,F | | oxidation may ignite | EPA
oxidiser | carbonyl | block | E,F,H | | hydrogen peroxide and acetone form peroxides that explode | EPA BRETHERICK
oxidiser | combustible | block | H,F,G | carbon dioxide | sets combustible matter on fire | EPA
oxidiser | nitrile amide isocyanate | block | H,F,GT | nitrogen oxides | oxidation gives toxic gas and may ignite | EPA
oxidiser | halogenated_organic | ask | H,GT | hydrogen chloride, phosgene | oxidation gives toxic gas | EPA
oxidiser | nitro_compound | block | H,E | | the mixture may detonate | EPA
oxidiser | peroxide | ask | H,G | oxygen | decomposition speeds up | EPA
oxidiser | reducing_agent | block | E,F,H | | violent reaction, fire or explosion | EPA
oxidiser | metal_hydride pyrophoric | block | E,F,H | | violent reaction, fire or explosion | EPA CAMEO
oxidiser | alkali_metal metal_powder | block | H,F,E | | burns like a flash powder | EPA
oxidiser | water_reactive | ask | H,F | | violent reaction is possible | EPA
oxidiser | heavy_metal_salt | note | G,H | oxygen | iron, copper and manganese salts decompose hydrogen peroxide | BRETHERICK
oxidiser | explosive | block | E,H | | makes the explosive more violent | EPA
mild_oxidiser | alcohol ester ether hydrocarbon nitrile amide combustible | note | H | | oxidation, slow and mild | CAMEO
mild_oxidiser | carbonyl | ask | E,H | | hydrogen peroxide, acetone and acid form peroxides that explode; they settle as crystals | BRETHERICK
mild_oxidiser | reducing_agent | ask | H | | heat | CAMEO
mild_oxidiser | metal_hydride alkali_metal | block | F,GF,H | hydrogen | the water of the solution frees hydrogen, which ignites | CAMEO
mild_oxidiser | water_reactive pyrophoric | block | F,GF,H | hydrogen, alkanes | reacts violently with the water of the solution | CAMEO
mild_oxidiser | metal_powder | note | H,G | oxygen | oxidation, or decomposition of peroxide | CAMEO
mild_oxidiser | heavy_metal_salt | note | G,H | oxygen | iron, copper and manganese salts decompose hydrogen peroxide | BRETHERICK
mild_oxidiser | isocyanate | ask | G,H | carbon dioxide | the water of the solution frees carbon dioxide | EPA
peroxide | alcohol | ask | H,F | | decomposition may run away | EPA
peroxide | carbonyl | block | E,H,G | decomposition gases | forms peroxides that explode | EPA
peroxide | halogenated_organic | block | H,E | | decomposition may run away | EPA
peroxide | isocyanate | ask | H | | heat | EPA
peroxide | nitrile | ask | H,GT,P | hydrogen cyanide | acrylonitrile polymerises | EPA
peroxide | hydrocarbon | ask | H,P | | styrene and other alkenes polymerise | EPA
peroxide | combustible | block | H,F,GT | decomposition gases | may ignite | EPA
peroxide | reducing_agent metal_hydride alkali_metal pyrophoric | block | H,E | | sets the peroxide off | EPA
peroxide | metal_powder heavy_metal_salt | ask | H,G | oxygen | metals and their salts speed up decomposition | EPA
peroxide | water_reactive | ask | H,E | | violent decomposition is possible | EPA
peroxide | explosive | block | H,E | | may set the explosive off | EPA

reducing_agent | alcohol | ask | H,F,GF | hydrogen | borohydride frees hydrogen | EPA
reducing_agent | carbonyl | ask | H,F,GF | hydrogen | reduction with heat | EPA
reducing_agent | amide isocyanate nitrile | note | H,GF | hydrogen | reduction with heat is possible | EPA
reducing_agent | halogenated_organic | ask | H,E | | dehalogenation may run away | EPA
reducing_agent | nitro_compound | ask | H,E | | reduction of nitro groups may run away | EPA
reducing_agent | explosive | block | E,H | | may set the explosive off | EPA
metal_hydride | water | block | F,GF,H | hydrogen | frees hydrogen, which ignites | EPA CAMEO
metal_hydride | alcohol | block | F,GF,H | hydrogen | frees hydrogen, which may ignite | CAMEO
metal_hydride | carbonyl ester nitrile isocyanate | ask | H,GF | hydrogen | reduction with much heat | EPA
metal_hydride | amide | ask | H,GF,E | hydrogen | sodium hydride in DMF, DMAc or DMSO runs away when warm | HYDRIDE
metal_hydride | halogenated_organic | block | E,H | | chloroform and carbon tetrachloride explode with hydrides | EPA BRETHERICK
metal_hydride | nitro_compound | block | E,H | | reduction explodes | EPA
metal_hydride | explosive | block | E,H | | may set the explosive off | EPA
alkali_metal | water | block | H,GF,F,E | hydrogen | frees hydrogen, which ignites | EPA
alkali_metal | alcohol | block | H,F,GF | hydrogen | frees hydrogen, which may ignite | EPA
alkali_metal | carbonyl | ask | H,F,GF | hydrogen | violent reaction; aldehydes ignite | EPA
alkali_metal | amide ester isocyanate | ask | H,GF | hydrogen | reduction with flammable gas | EPA
alkali_metal | nitrile | ask | H,P | | polymerisation with heat | EPA
alkali_metal | halogenated_organic | block | H,E | | the mixture explodes at a knock | EPA BRETHERICK
alkali_metal | nitro_compound | block | H,GF,E | hydrogen | the mixture may detonate | EPA
alkali_metal | explosive | block | H,E | | may set the explosive off | EPA
metal_powder | water | ask | H,GF | hydrogen | magnesium, aluminium and zinc powders free hydrogen | EPA
metal_powder | halogenated_organic | block | H,E | | aluminium and magnesium with chlorinated solvents explode | EPA BRETHERICK
metal_powder | isocyanate | note | H,GF | decomposition gases | polymerisation with heat is possible | EPA
metal_powder | explosive | block | H,E | | may set the explosive off | EPA
pyrophoric | water | ask | F,GF,H | hydrogen, alkanes | metal alkyls ignite with water; white phosphorus does not | CAMEO
pyrophoric | alcohol | block | F,GF,H | alkanes | violent reaction with fire | CAMEO
pyrophoric | halogenated_organic carbonyl | block | E,F,H | | violent reaction | CAMEO BRETHERICK
pyrophoric | amine ammonia ester nitrile amide | ask | H,GF | alkanes | violent reaction is possible | CAMEO
water_reactive | water | block | H,F,GF,GT | hydrogen, hydrogen chloride, as its data sheet says | reacts violently with water | EPA
water_reactive | alcohol | ask | H,GF,GT | hydrogen, hydrogen chloride, as its data sheet says | violent reaction; acid chlorides free hydrogen chloride | CAMEO
water_reactive | carbonate | note | G,H | carbon dioxide | acid chlorides and anhydrides free carbon dioxide | CAMEO
isocyanate | water | ask | H,G | carbon dioxide | gas builds up slowly and bursts a closed vessel | EPA
isocyanate | alcohol | ask | H,P | | polymerises, with heat | EPA
nitro_compound | carbonyl | note | H | | condensation with heat | EPA
nitro_compound | heavy_metal_salt | ask | E | | picrates of heavy metals explode at a touch | BRETHERICK
explosive | acid_nonoxidising acid_oxidising acid_organic base sulfide ester combustible heavy_metal_salt | block | H,E | | may set the explosive off | EPA
"""
